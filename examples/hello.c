/* Loads a model, goes on from a text, prints it: hello MODEL.gguf [TEXT] */
#include <libinfer.h>
#include <stdio.h>

static bool print_text(void *ud, const char *text, size_t len)
{
    return fwrite(text, 1, len, ud) == len && fflush(ud) == 0;
}

int main(int argc, char **argv)
{
    infer_session *session;
    infer_error err;
    if (argc < 2 || infer_session_open(argv[1], NULL, &session, &err) != INFER_OK)
        return fprintf(stderr, "hello: %s\n", argc < 2 ? "give a model" : err.text), 1;
    infer_status status = infer_generate(session, NULL, argc > 2 ? argv[2] : "The sea is", 64,
                                         print_text, stdout, NULL, &err);
    infer_session_free(session);
    return status == INFER_OK ? puts(""), 0 : (fprintf(stderr, "hello: %s\n", err.text), 1);
}
