/** Who asks: `root` over the Unix socket, or the login name of a page session. */
export interface Actor {
  readonly name: string
  readonly role: 'viewer' | 'operator' | 'admin'
  /** Milliseconds since the epoch: when a session of the page last proved who it is. The Unix socket and tokens need none. */
  readonly provenAt?: number
}

export interface PageRequest {
  readonly limit: number
  readonly cursor?: string
}
