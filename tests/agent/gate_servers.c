#include "tests/agent/gate.h"
void gate_servers(void)
{
}
