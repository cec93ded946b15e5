import { accessSync, constants, existsSync } from 'node:fs'
import { test } from 'vitest'

/** What a test may need of the machine. */
const AVAILABLE = {
  root: () => process.getuid?.() === 0,
  nft: () => installed('nft'),
  ip: () => installed('ip'),
  nmap: () => installed('nmap'),
  hping3: () => installed('hping3'),
  ping: () => installed('ping'),
  rpm: () => installed('rpm') && installed('rpmbuild'),
  chromium: () => installed('chromium'),
  journald: () => installed('journalctl') && existsSync('/lib/systemd/systemd-journald'),
} as const

export type Need = keyof typeof AVAILABLE

/**
 * `test` where the machine has all of it; else the test is skipped with the reason in its name.
 * In CI nothing may be skipped: there a missing need fails the test.
 */
export function testWith(...needs: Need[]): typeof test {
  const missing = needs.filter((need) => !AVAILABLE[need]())
  if (missing.length === 0) return test
  if (process.env['CI'] === 'true') throw new Error(`CI must have ${missing.join(', ')}: .ci/run installs it`)
  process.stderr.write(`skipped, needs ${missing.join(', ')}\n`)
  return test.skip as unknown as typeof test
}

function installed(program: string): boolean {
  for (const folder of ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/bin']) {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK)
      return true
    } catch {
      // Not in this folder: the next one.
    }
  }
  return false
}
