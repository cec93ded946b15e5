import { describe, expect, test } from 'vitest'
import { range, scene } from '../../test/support/scene.ts'
import { loadDetectors } from './detection.ts'
import { loadObservers } from './observation.ts'
import { effectiveSettings, PROFILES, type Profile, withProfile } from './profiles.ts'

const detectors = [...(await loadDetectors()), ...(await loadObservers())]
const portScanOf = (profile: Profile) => ({ 'port-scan': withProfile(profile, {})['port-scan'] ?? {} })
const isScan = (ports: number, settings: Readonly<Record<string, unknown>>): boolean => {
  const net = scene(settings)
  for (const port of range(ports)) net.refused({ from: '203.0.113.9', to: '192.0.2.1', port })
  return net.findings.some(({ detector }) => detector === 'port-scan')
}

describe.each(PROFILES)('profile %s', (profile) => {
  test('names settings that exist, with values that fit', () => {
    const chosen = withProfile(profile, {})
    const known = detectors.map(({ id }) => id)
    expect(known).toEqual(expect.arrayContaining(Object.keys(chosen)))
    for (const { id, settings } of detectors) expect(() => settings.parse(chosen[id] ?? {})).not.toThrow()
  })
})

test('a stricter profile asks for less: four closed ports are a scan for aggressive, three for paranoid', () => {
  const found = (ports: number) => PROFILES.map((profile) => isScan(ports, portScanOf(profile)))
  expect(found(4)).toEqual([false, true, true])
  expect(found(3)).toEqual([false, false, true])
})

test('a single setting stands above the profile, and the others keep its values', () => {
  const chosen = withProfile('paranoid', { 'port-scan': { refusedPorts: 20 } })
  expect(chosen['port-scan']).toMatchObject({ refusedPorts: 20, silentPorts: 5 })
})

test('each value says where it comes from, and what it means', () => {
  const portScan = detectors.find(({ id }) => id === 'port-scan') ?? expect.unreachable()
  const settings = effectiveSettings(portScan, 'aggressive', { windowSeconds: 60 })
  const by = (name: string) => settings.find((setting) => setting.name === name)
  expect(by('windowSeconds')).toMatchObject({ value: 60, from: 'config' })
  expect(by('refusedPorts')).toMatchObject({ value: 4, from: 'profile' })
  expect(by('silentAfterSeconds')).toMatchObject({ value: 1, from: 'default' })
  for (const { description } of settings) expect(description).not.toBe('')
})
