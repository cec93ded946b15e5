import type { Component } from 'svelte'
import type { Screen } from './screen.ts'

export interface PlacedScreen extends Screen {
  readonly component: Component
}

const found = import.meta.glob<{ default: Component; screen: Screen }>('./pages/*.svelte', { eager: true })

export const screens: readonly PlacedScreen[] = Object.values(found)
  .map((module) => ({ ...module.screen, component: module.default }))
  .sort((a, b) => a.order - b.order)

export const hrefOf = (screen: Screen): string => `/${screen.id}`
