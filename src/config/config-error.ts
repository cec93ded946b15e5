/** One thing that is wrong, and where. */
export interface ConfigProblem {
  /** The file, or the flag or variable that the value comes from. */
  readonly origin: string
  /** In the file, from 1. */
  readonly line?: number
  readonly column?: number
  /** Path of the setting, such as `store.flowsDays`; absent for the file as a whole. */
  readonly setting?: string
  /** What was expected, and what was found. */
  readonly message: string
  readonly hint: string
}

/** A configuration that is not used. Lists everything that is wrong with it at once. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map(describeProblem).join('\n'), options)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** One line for people: where, what, and what to do. */
function describeProblem({ origin, line, column, setting, message, hint }: ConfigProblem): string {
  const place = line === undefined ? origin : `${origin}:${line}:${column}`
  return `${place}: ${setting === undefined ? '' : `${setting}: `}${message}. ${hint}`
}
