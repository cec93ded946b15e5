import type { Command } from 'commander'
import type { SelfTestOutcome } from '#contract/self-test.ts'
import type { CoreClient } from './client.ts'

/** What `run` starts with; what is absent comes from the config. */
export interface RunOptions {
  readonly config?: string
  readonly rules?: string
  readonly interfaces?: readonly string[]
  readonly loopback?: boolean
  readonly port?: number
  readonly host?: string
  readonly stateDir?: string
  readonly socket?: string
  readonly dryRun?: boolean
  readonly page?: boolean
}

export interface BootOptions {
  readonly stateDir?: string
}

export interface ReplayOptions {
  readonly output: 'eve' | 'human'
}

/** Where the words go, and what is known about the reader. */
export interface Terminal {
  write(text: string): void
  warn(text: string): void
  /** Absent when nobody looks (a pipe, a file): then nothing is cut. */
  readonly columns?: number
  readonly hasColour: boolean
  /** A line that is not shown while it is typed. */
  readSecret(prompt: string): Promise<string>
  /** True when `readSecret` asks a person. */
  readonly isInteractive: boolean
}

/** What the commands get: all else they bring along. */
export interface Shell {
  readonly terminal: Terminal
  now(): number
  /** The core at `--socket`, or where it usually listens. */
  connect(socket?: string): CoreClient
  run(options: RunOptions): Promise<void>
  /** Puts the rules that were confirmed last in force; answers what to say. Throws errors with a `hint`. */
  boot(options: BootOptions): Promise<string>
  /** Answers the exit code. */
  replay(files: readonly string[], options: ReplayOptions): Promise<number>
  /** Runs the self-tests of all detectors, or of one; empty when there is no such detector. */
  selfTest(id?: string): Promise<readonly SelfTestOutcome[]>
}

/** One file of `commands/`. */
export interface CommandDefinition {
  /** Its place in the help. */
  readonly order: number
  add(program: Command, shell: Shell): void
}

export const defineCommand = (definition: CommandDefinition): CommandDefinition => definition
