/* What a server says of its tools, made into what our own parts take. */
#ifndef AGENT_MCP_SCHEMA_H
#define AGENT_MCP_SCHEMA_H

#include "agent.h"

/* The definition of a tool (JSON, owned by the caller) under its full name, of a server's entry in tools/list. NULL:
 * `why` says what is wrong with it. */
char *mcp_definition(const char *server, const char *full, const json_t *entry, struct text *why);

/* A command split into arguments; NULL-ended, one allocation for all (free it). NULL: a quotation mark that is open,
 * nothing at all, or no memory. */
char **mcp_split(const char *command);

#endif
