import { writeFileSync } from 'node:fs'
import { configReference } from '../src/config/reference.ts'
import { configSections } from '../src/core/daemon-config.ts'

/** Writes docs/config.md anew from the settings; a test says when that is due. */
writeFileSync(new URL('../docs/config.md', import.meta.url), configReference(await configSections()))
