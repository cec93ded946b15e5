import type { ProgramIdentity } from '#contract/views.ts'
import type { ProgramDescription, Programs } from '#identify/programs/programs.ts'
import type { Owner } from '#model/owner.ts'

/** Who waits for a page does not wait longer for a large file to be read. */
const PATIENCE_MS = 2_500

/** Digest and package of the program behind an owner, as far as they are known in time. */
export async function identityOf(programs: Programs, owner: Owner): Promise<ProgramIdentity> {
  const { promise: tooLate, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
  const described = await Promise.race([programs.describeProgram(owner), tooLate])
  clearTimeout(timer)
  return described
    ? shown(described)
    : { path: owner.path, because: 'the file is still being read: ask again' }
}

function shown({ path, sha256, because, package: answer }: ProgramDescription): ProgramIdentity {
  return {
    path,
    ...(sha256 !== undefined && { sha256 }),
    ...(because !== undefined && { because }),
    ...(answer.state === 'owned' && {
      package: answer.version === undefined ? answer.name : `${answer.name} ${answer.version}`,
      packageFile: answer.file,
    }),
    ...(answer.because !== undefined && { packageBecause: answer.because }),
  }
}
