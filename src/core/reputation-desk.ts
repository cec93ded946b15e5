import { Refused } from '#api/port.ts'
import type { Reputation } from '#contract/reputation.ts'
import type { ProgramDescription } from '#identify/programs/programs.ts'
import { guessedKind } from '#intel/formats/own.ts'
import { reputationOf, type Testimony } from '#intel/reputation.ts'
import { type Ip, parseIp } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { programKeyOf } from '#model/summary.ts'
import { Testimonies, type TestimonyParts } from './testimonies.ts'

export interface ReputationDeskParts extends TestimonyParts {
  readonly describe: (owner: Owner) => Promise<ProgramDescription>
}

/** Says how good or bad something is known to be. */
export interface ReputationDesk {
  /** Of an address, a domain, a program by path, name or process id, or the hash of a file. Throws `Refused`. */
  of(text: string): Promise<Reputation>
  ofAddress(address: Ip): Promise<Reputation>
  ofOwner(owner: Owner): Promise<Reputation>
}

export function createReputationDesk(parts: ReputationDeskParts): ReputationDesk {
  const { now, live, describe } = parts
  const testimonies = new Testimonies(parts)

  function shown(of: Reputation['of'], subject: string, all: readonly Testimony[]): Reputation {
    const { score, factors } = reputationOf(all, now())
    const sentence = sentenceOf(score)
    return { of, subject, score, sentence, factors: factors.map((factor) => ({ ...factor })) }
  }

  const ofAddress = async (address: Ip): Promise<Reputation> =>
    shown('address', address, await testimonies.ofAddress(address))

  async function ofOwner(owner: Owner): Promise<Reputation> {
    const key = programKeyOf(owner)
    const described = await describe(owner)
    return shown('program', key, await testimonies.ofProgram(key, { owner, described }))
  }

  async function ofWord(text: string): Promise<Reputation> {
    const owner = ownerNamed(text, live.all())
    if (owner) return ofOwner(owner)
    if (text.startsWith('/')) return shown('program', text, await testimonies.ofProgram(text))
    const name = text.toLowerCase()
    if (guessedKind(name) === 'domain') return shown('name', name, testimonies.ofName(name))
    throw new Refused(
      400,
      `Nothing is known by the name ${JSON.stringify(text)}.`,
      'Use an address, a domain, the path or name of a program that runs, or the hash of a file.',
    )
  }

  return {
    async of(text) {
      const address = parseIp(text)
      if (address) return ofAddress(address)
      const kind = guessedKind(text)
      const isHash = kind === 'sha256' || kind === 'sha1' || kind === 'md5'
      return isHash
        ? shown('program', text, testimonies.ofHashes({ [kind]: text.toLowerCase() }))
        : ofWord(text)
    },
    ofAddress,
    ofOwner,
  }
}

/** By path, name or process id, of the programs that have something open. */
const ownerNamed = (text: string, live: readonly Connection[]): Owner | undefined =>
  live.find(
    ({ owner }) =>
      owner && (owner.path === text || owner.name === text || (owner.pid > 0 && String(owner.pid) === text)),
  )?.owner

function sentenceOf(score: number): string {
  if (score === 0) return 'Nothing speaks against it.'
  if (score < 30) return 'Little speaks against it.'
  if (score < 60) return 'It is doubtful.'
  return score < 80 ? 'Much speaks against it.' : 'It is known to be bad.'
}
