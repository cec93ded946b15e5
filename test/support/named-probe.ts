import { createRuleEnforcer } from '#enforce/rules.ts'
import { NftTable } from '#kernel/nft.ts'
import { type Ip, ipBytes } from '#model/address.ts'
import { compile } from '#policy/rules/compile.ts'
import { parseRules } from '#policy/rules/parse.ts'

/** Tells the rules of one domain more addresses than fit, then the first of them for longer. Prints JSON. */
const ADDRESSES = 66_000
const addressAt = (at: number): Ip => `11.${at >> 16}.${(at >> 8) & 255}.${at & 255}` as Ip

const now = Date.now()
const { book } = parseRules('rules: [deny out to .ads.example]', 'probe', {
  uidOf: () => undefined,
  listText: () => undefined,
})
if (!book) throw new Error('the rules of the probe are wrong')
const enforcer = createRuleEnforcer({
  table: 'gatehouse_rules',
  names: { now: () => now, entries: () => [] },
})
enforcer.enforce(compile(book, now))
for (let at = 0; at < ADDRESSES; at += 1_000) {
  const some = Array.from({ length: 1_000 }, (_, index) => addressAt(at + index))
  enforcer.named(some.map((address) => ({ name: 'x.ads.example', address, until: now + 600_000 })))
}
enforcer.named([{ name: 'ads.example', address: addressAt(0), until: now + 3_600_000 }])

const table = new NftTable('gatehouse_rules')
let inSet = 0
let prolongedMs = 0
let isNewest = false
table.dump('names1', ({ key, remainingMs }) => {
  inSet++
  const text = key.join()
  if (text === ipBytes(addressAt(0)).join()) prolongedMs = remainingMs ?? 0
  if (text === ipBytes(addressAt(ADDRESSES - 1)).join()) isNewest = true
})
process.stdout.write(JSON.stringify({ inSet, prolongedMs, isNewest, health: enforcer.verify().state }))
enforcer.stop(false)
