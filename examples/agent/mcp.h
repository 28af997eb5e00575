/*
 * Tools of other programs: a client of the Model Context Protocol over standard input and output. A server is
 * given as NAME=COMMAND, split at blanks as a shell would ('...', "...", \), without a shell; it runs in the sandbox
 * and lives as long as the agent. Its tools are NAME__TOOL; what it says of them is as little to be trusted as what
 * they bring.
 */
#ifndef AGENT_MCP_H
#define AGENT_MCP_H

#include "agent.h"

/* Starts the servers of the options and asks for their tools. False: `error` says which server and why; then, as
 * always, mcp_close frees what there is. Called by tools_open, behind which the definitions never change. */
bool mcp_open(struct agent *agent, struct text *error);
void mcp_close(struct agent *agent);

/* The tools of all servers, the agent's until mcp_close. */
const struct tool *mcp_tools(const struct agent *agent, size_t *count);

/* Stops all servers, so that nothing changes below the root meanwhile. False: `error` says which does not stop, and
 * all go on. */
bool mcp_pause(struct agent *agent, struct text *error);
void mcp_resume(struct agent *agent);

/* What was left out of what the servers offered, a line each; "" mostly. */
const char *mcp_notes(const struct agent *agent);

#endif
