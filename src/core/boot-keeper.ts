import { rm } from 'node:fs/promises'
import { writeBootFile } from '#enforce/boot-file.ts'
import type { RuleEnforcer } from '#enforce/rules.ts'
import type { RuleProgram } from '#model/rule-program.ts'

/** After a failure, such as a full disk. */
const AGAIN_AFTER_MS = 60_000

export interface BootKeeperParts {
  readonly enforcer: Pick<RuleEnforcer, 'program' | 'health' | 'transactionFor'>
  /** True while a change waits to be confirmed: it must not be what the machine boots with. */
  readonly isWaiting: () => boolean
  readonly file: string
  readonly table: string
  readonly now: () => number
  readonly say: (text: string) => void
}

/** Keeps the rules in force where the next boot finds them before anything of ours runs. */
export class BootKeeper {
  readonly #parts: BootKeeperParts
  /** Absent: nothing was written in this run. */
  #written: { readonly program: RuleProgram | undefined } | undefined
  #writing: Promise<void> | undefined
  #notBefore = 0

  constructor(parts: BootKeeperParts) {
    this.#parts = parts
  }

  /** Called several times a second: writes when the rules are others than before. */
  look(): void {
    const { enforcer, isWaiting, now } = this.#parts
    const { program } = enforcer
    if (this.#writing || (this.#written && this.#written.program === program) || now() < this.#notBefore)
      return
    // What the kernel refuses to hold, or what nobody confirmed yet, is not what was confirmed last.
    if (isWaiting() || enforcer.health.state !== 'ok') return
    this.#writing = this.#write(program).finally(() => {
      this.#writing = undefined
    })
  }

  /** Settles once what is under way is written. */
  async stop(): Promise<void> {
    this.look()
    await this.#writing
  }

  async #write(program: RuleProgram | undefined): Promise<void> {
    const { enforcer, file, table, now, say } = this.#parts
    try {
      if (program) {
        await writeBootFile(file, { table, transaction: enforcer.transactionFor(program), at: now() })
      } else await rm(file, { force: true })
      this.#written = { program }
    } catch (error) {
      this.#notBefore = now() + AGAIN_AFTER_MS
      say(`The rules could not be kept for the next boot: ${(error as Error).message}`)
    }
  }
}
