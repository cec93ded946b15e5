import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadDaemonConfig } from './daemon-config.ts'
import { pathsOf } from './paths.ts'

async function load(yaml: string) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-config-'))
  const config = join(folder, 'config.yaml')
  writeFileSync(config, yaml)
  try {
    return await loadDaemonConfig({ config }, pathsOf({ config }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a profile sets the limits of detectors that nobody chose, and no other', async () => {
  const normal = await load('')
  expect(normal.chosenDetectors).toEqual({})
  const paranoid = await load(
    'respond:\n  profile: paranoid\ndetectors:\n  port-scan:\n    refusedPorts: 9\n',
  )
  expect(paranoid.chosenDetectors).toEqual({ 'port-scan': { refusedPorts: 9 } })
  expect(paranoid.detectors['port-scan']).toMatchObject({ refusedPorts: 9 })
  expect(paranoid.detectors).not.toEqual({
    ...normal.detectors,
    'port-scan': paranoid.detectors['port-scan'],
  })
})

test('flags win over the file', async () => {
  const folder = pathsOf({ config: '/nonexistent/gatehouse.yaml' })
  const config = await loadDaemonConfig({ port: 9, loopback: true }, { ...folder, isConfigNamed: false })
  expect([config.page.port, config.capture.loopback]).toEqual([9, true])
})
