import type { IncomingMessage, ServerResponse } from 'node:http'
import { BODY_LIMIT_BYTES, PROBLEM_TYPE } from '#contract/http.ts'
import type { Problem } from '#contract/schemas.ts'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** On every answer. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

export function secure(response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
}

/** Our own words only: they go into HTML as they are. More members than title and status may be given, such as `signIn`. */
export type ProblemText = Pick<Problem, 'title' | 'status' | 'detail' | 'hint'> & { readonly signIn?: object }

export function sendProblem(response: ServerResponse, problem: ProblemText): void {
  if (response.headersSent) return void response.destroy()
  response
    .writeHead(problem.status, { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store' })
    .end(JSON.stringify({ type: 'about:blank', ...problem }))
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response
    .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(value))
}

/** A problem for whoever asks: a person who opened this address gets it as a page to read. */
export function sendFailure(request: IncomingMessage, response: ServerResponse, problem: ProblemText) {
  if (!String(request.headers.accept).includes('text/html')) return sendProblem(response, problem)
  const { title, status, detail = '', hint = '' } = problem
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} · Gatehouse</title>
<h1>${title}</h1><p>${detail}</p><p>${hint}</p></html>
`
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  return response.end(html)
}

/** The whole body as text; undefined when it is larger than anything this page sends. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_LIMIT_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export const TOO_LARGE: ProblemText = {
  title: 'Too large',
  status: 413,
  detail: `The body is larger than ${BODY_LIMIT_BYTES} bytes.`,
  hint: 'Send one target per request.',
}
