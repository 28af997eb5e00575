// The one C++ file: hands the table of kernels.c to Google Benchmark.
#include "bench/shim.h"

#include <benchmark/benchmark.h>

#include <mutex>

static void run(benchmark::State &state, const bench_case *c)
{
    static std::mutex preparing;
    const char *missing;
    {
        std::lock_guard<std::mutex> lock(preparing);
        missing = c->prepare(c);
    }
    if (missing)
        state.SkipWithError(missing);
    auto thread = static_cast<uint32_t>(state.thread_index());
    uint64_t turn = 0;
    for (auto _ : state)
        c->once(c, thread, turn++);
    const auto rate = benchmark::Counter::kIsRate;
    if (c->bytes > 0)
        state.counters["bytes"] = benchmark::Counter(c->bytes * static_cast<double>(turn), rate,
                                                     benchmark::Counter::kIs1000);
    if (c->ops > 0)
        state.counters["ops"] = benchmark::Counter(c->ops * static_cast<double>(turn), rate,
                                                   benchmark::Counter::kIs1000);
}

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    const bench_case *cases;
    size_t count = bench_cases(&cases);
    for (size_t i = 0; i < count; i++)
        benchmark::RegisterBenchmark(cases[i].name, run, &cases[i])
            ->Threads(static_cast<int>(cases[i].threads))
            ->MinTime(0.1)
            ->UseRealTime();
    if (count == 0 || benchmark::RunSpecifiedBenchmarks() == 0)
        return 1;
    benchmark::Shutdown();
    return 0;
}
