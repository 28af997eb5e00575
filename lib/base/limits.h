/*
 * Every fixed limit of the library, in one place. Passing one is INFER_E_LIMIT or INFER_E_FORMAT.
 */
#ifndef INF_LIMITS_H
#define INF_LIMITS_H

#define INF_MAX_KEYS 65536         /* metadata keys of a file */
#define INF_MAX_TENSORS (1u << 20) /* tensors of a file */
#define INF_MAX_STRING (16u << 20) /* bytes of a string value */
#define INF_MAX_ARRAY (4u << 20)   /* elements of an array value */
#define INF_MAX_NAME 255           /* bytes of a tensor name or key that the engine looks up */
#define INF_MAX_TOKEN_TEXT 65536   /* bytes of a token */
#define INF_MAX_DIMS 4
#define INF_MAX_ALIGNMENT (1u << 20)
#define INF_MAX_SPLITS 1024

#define INF_MAX_LAYERS 512
#define INF_MAX_HEADS 1024
#define INF_MAX_EMBD 65536
#define INF_MAX_FF (1u << 20)
#define INF_MAX_HEAD_SIZE 1024
#define INF_MAX_EXPERTS 1024
#define INF_MAX_CONTEXT (1u << 24)
#define INF_MAX_BATCH 8192
#define INF_MAX_THREADS 512
#define INF_MAX_CHECKPOINTS 64 /* copies of a session's recurrent state */
#define INF_MAX_VOCAB INF_MAX_ARRAY

#define INF_MAX_JSON_DEPTH 128

/* A chat template: its text, how deep it may nest, and what one rendering may take. The last three
 * grow with the variables: so much more for each byte of their JSON. */
#define INF_MAX_TEMPLATE (512u << 10)
#define INF_MAX_TEMPLATE_NESTING 150
#define INF_MAX_TEMPLATE_DEPTH 800
#define INF_MAX_TEMPLATE_RANGE 100000
#define INF_TEMPLATE_STEPS 1000000u
#define INF_TEMPLATE_STEPS_BYTE 64u
#define INF_MAX_TEMPLATE_STEPS 100000000u /* whatever the input */
#define INF_TEMPLATE_OUTPUT (4u << 20)
#define INF_TEMPLATE_OUTPUT_BYTE 8u
#define INF_TEMPLATE_MEMORY (40u << 20)
#define INF_TEMPLATE_MEMORY_BYTE 64u
#define INF_MAX_TEMPLATE_INPUT (64u << 20)

/* A grammar or schema: its text, rules, nesting, the states and the work of compiling it, and what
 * one text may take while it is made. */
#define INF_MAX_GRAMMAR (1u << 20)
#define INF_MAX_GRAMMAR_RULES 16384
#define INF_MAX_GRAMMAR_NESTING 256
#define INF_MAX_GRAMMAR_STATES (1u << 18)
#define INF_GRAMMAR_WORK (60u << 20)
#define INF_MAX_GRAMMAR_STACKS 4096      /* ways to read the text so far */
#define INF_MAX_GRAMMAR_DEPTH 10000      /* rules that are open at once */
#define INF_MAX_GRAMMAR_STEPS (4u << 20) /* entries of its table before it is made anew */
#define INF_GRAMMAR_MASKS (64u << 20)    /* bytes of masks kept for all texts of a grammar */

/* Tools: their list, how many, a name, and one call as a model writes it. */
#define INF_MAX_TOOLS_TEXT (16u << 20)
#define INF_MAX_TOOLS 16384
#define INF_MAX_TOOL_NAME 128
#define INF_MAX_TOOL_CALL (8 << 20)

#endif
