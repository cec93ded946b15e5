import type { ClientRequest, IncomingMessage } from 'node:http'
import { Unusable } from '../formats/format.ts'

/** Sends what `start` opens, with its body, and waits for the answer. */
export function answered(
  url: URL,
  { signal, body }: { readonly signal: AbortSignal; readonly body?: string | undefined },
  start: () => ClientRequest,
): Promise<IncomingMessage> {
  return new Promise((settle, reject) => {
    const sending = start()
    sending.on('response', settle)
    sending.on('error', (error) =>
      reject(error instanceof Unusable ? error : unreachable(url, error, signal)),
    )
    sending.end(body)
  })
}

export function unreachable(url: URL, error: NodeJS.ErrnoException, signal: AbortSignal): Unusable {
  if (signal.aborted) return new Unusable(`did not answer in time: ${url.host}`)
  return new Unusable(`could not be had from ${url.host}: ${WORDS[error.code ?? ''] ?? error.message}`)
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  ENETUNREACH: 'there is no way to it',
  EHOSTUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  CERT_HAS_EXPIRED: 'its certificate is over',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'nobody vouches for its certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'nobody vouches for its certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}
