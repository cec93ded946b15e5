import { createInterface } from 'node:readline'

/** Answers what remote.ts asks: one request per line of input, one answer per line of output, until the input ends. */
export async function answerRequests(
  requests: Readonly<Record<string, (argument: never) => unknown>>,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { request, argument } = JSON.parse(line) as { request: string; argument: never }
    const answer = await requests[request]?.(argument)
    process.stdout.write(`${JSON.stringify({ answer: answer ?? null })}\n`)
  }
}
