import { NftTable } from '#kernel/nft.ts'
import { TableScript } from '#kernel/nft-rules.ts'

/** What the guard of a daemon that fails open is told at its start. */
export interface CrashOrder {
  /** Transactions of netlink, as base64: each takes one of our tables away. */
  readonly transactions: readonly string[]
  /** A change of the rules that waits to be confirmed, and what it is called once it is given up. */
  readonly pendingFile: string
  readonly rolledBackFile: string
}

/** After these none of the tables is there, whether they were or not; one that is refused keeps no other. Throws KernelError. */
export const openingTransactions = (tables: readonly string[]): Uint8Array[] => tables.map(openingTransaction)

function openingTransaction(name: string): Uint8Array {
  const table = new NftTable(name)
  try {
    return table.transactionBytes((writer, next) => new TableScript(writer, name, next).clear())
  } finally {
    table.close()
  }
}
