/** A request that cannot be done, in words for the person who made it. */
export class Refused extends Error {
  readonly status: 400 | 403 | 404 | 409 | 503
  readonly hint: string

  constructor(status: Refused['status'], message: string, hint: string) {
    super(message)
    this.name = 'Refused'
    this.status = status
    this.hint = hint
  }
}

/** Who asks has to prove first who it is. The page then asks for the password. */
export class ProofNeeded extends Refused {
  constructor() {
    super(
      403,
      'This changes what holds from now on: show first that it is you.',
      'Give your password again, or open a fresh link in this browser: gatehouse login',
    )
  }
}
