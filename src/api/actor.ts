/** Who asks: `root` over the Unix socket, or the login name of a page session. */
export interface Actor {
  readonly name: string
  readonly role: 'viewer' | 'operator' | 'admin'
}

export interface PageRequest {
  readonly limit: number
  readonly cursor?: string
}
