import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configSections } from '#core/daemon-config.ts'
import { configReference } from './reference.ts'
import { settingShapes } from './schema.ts'

test('docs/config.md says what the settings say (else: node scripts/config-docs.ts)', async () => {
  const written = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8')

  expect(written).toBe(configReference(await configSections()))
})

test('every setting says what it means', async () => {
  const silent = settingShapes(await configSections()).filter(({ description }) => description === '')

  expect(silent.map(({ path }) => path.join('.'))).toEqual([])
})
