/** It did not work: one sentence, and what to do. `exitCode` 2 when the caller can only have meant something else. */
export class Failure extends Error {
  readonly hint: string | undefined
  readonly exitCode: 1 | 2

  constructor(message: string, hint?: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.name = 'Failure'
    this.hint = hint
    this.exitCode = exitCode
  }
}

/** Ends a command with this code and no further word. */
export class ExitCode extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit ${code}`)
    this.name = 'ExitCode'
    this.code = code
  }
}
