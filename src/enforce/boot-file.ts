import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { KernelError } from '#kernel/libc.ts'
import { sendTransaction } from '#kernel/nft-send.ts'
import { type Refusal, refusalOf } from './refusal.ts'

/**
 * Rules as bytes for the kernel, so that they are in force at boot before anything of ours runs: one line of JSON that
 * says what follows, then one transaction of netlink.
 */
const Head = z.object({
  kind: z.literal('gatehouse-boot-rules'),
  version: z.literal(1),
  table: z.string(),
  writtenAt: z.number(),
  bytes: z.number().int().positive(),
  sha256: z.string(),
})

const MAX_HEAD_BYTES = 1_000
const MAX_BYTES = 512 << 20
const MODE = 0o600
const NEWLINE = 10
const OTHERS_MAY_WRITE = 0o022

/** Replaces the file as a whole, in the background. Rejects with the error of the file system; the old file stays. */
export async function writeBootFile(
  path: string,
  rules: { readonly table: string; readonly transaction: Uint8Array; readonly at: number },
): Promise<void> {
  const { table, transaction, at } = rules
  const head: z.infer<typeof Head> = {
    kind: 'gatehouse-boot-rules',
    version: 1,
    table,
    writtenAt: at,
    bytes: transaction.byteLength,
    sha256: digestOf(transaction),
  }
  const temporary = join(dirname(path), `.boot.${process.pid}.new`)
  try {
    // wx: never through a link that somebody laid there; one of an earlier run with our number is in the way.
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', MODE)
    try {
      await file.appendFile(`${JSON.stringify(head)}\n`)
      await file.appendFile(transaction)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  // The new name is on disk only once its folder is (fsync(2)).
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}

export type BootAnswer =
  | { readonly state: 'loaded'; readonly table: string; readonly bytes: number; readonly writtenAt: number }
  | ({ readonly state: 'refused' } & Refusal)

/** Puts the rules of the file in force. Where anything is wrong with it nothing is changed. */
export function loadBootFile(path: string): BootAnswer {
  const read = readBootFile(path)
  if ('reason' in read) return { state: 'refused', ...read }
  const { table, transaction, writtenAt } = read
  const errno = errnoOf(() => sendTransaction(transaction))
  if (errno !== 0) return { state: 'refused', ...refusalOf(errno, table, false) }
  return { state: 'loaded', table, bytes: transaction.byteLength, writtenAt }
}

interface BootRules {
  readonly table: string
  readonly transaction: Uint8Array
  readonly writtenAt: number
}

function readBootFile(path: string): BootRules | Refusal {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) return { reason: `there is no ${path}`, remedy: 'Gatehouse writes it once rules are in force' }
    if (!stat.isFile() || stat.size > MAX_BYTES)
      return { reason: `${path} is no file of rules`, remedy: REMEDY }
    if ((stat.mode & OTHERS_MAY_WRITE) !== 0 || ![0, process.geteuid?.()].includes(stat.uid)) {
      return {
        reason: `${path} can be written by others than root: it is not believed`,
        remedy: `Look who did that, then: chown root ${path} && chmod 600 ${path}`,
      }
    }
    return rulesIn(readFileSync(path)) ?? { reason: `${path} is damaged`, remedy: REMEDY }
  } catch (error) {
    return { reason: `${path} cannot be read: ${(error as Error).message}`, remedy: REMEDY }
  }
}

const REMEDY = 'Start Gatehouse: it writes the file anew, from the rules that were confirmed last'

function rulesIn(bytes: Buffer): BootRules | undefined {
  const end = bytes.subarray(0, MAX_HEAD_BYTES).indexOf(NEWLINE)
  if (end < 0) return undefined
  const head = Head.safeParse(jsonOf(bytes.subarray(0, end).toString()))
  if (!head.success) return undefined
  const { table, writtenAt, sha256 } = head.data
  const transaction = bytes.subarray(end + 1)
  if (transaction.byteLength !== head.data.bytes || digestOf(transaction) !== sha256) return undefined
  return { table, writtenAt, transaction }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function errnoOf(run: () => number): number {
  try {
    return run()
  } catch (error) {
    if (error instanceof KernelError) return error.errno
    throw error
  }
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
