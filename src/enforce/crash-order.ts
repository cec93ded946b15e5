import { NftTable } from '#kernel/nft.ts'
import { TableScript } from '#kernel/nft-rules.ts'

/** What the guard of a daemon that fails open is told at its start. */
export interface CrashOrder {
  /** One transaction of netlink that takes our tables away, as base64. */
  readonly transaction: string
  /** A change of the rules that waits to be confirmed, and what it is called once it is given up. */
  readonly pendingFile: string
  readonly rolledBackFile: string
}

/** One transaction after which none of these tables is there, whether they were or not. Throws KernelError. */
export function openingTransaction(tables: readonly string[]): Uint8Array {
  const table = new NftTable(tables[0] ?? '')
  try {
    return table.transactionBytes((writer, next) => {
      for (const name of tables) new TableScript(writer, name, next).clear()
    })
  } finally {
    table.close()
  }
}
