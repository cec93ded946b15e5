import { keep, kept } from './kept.ts'
import type { LanguageChoice } from './text/language.ts'

export const THEMES = ['system', 'dark', 'light', 'contrast', 'contrast-light'] as const
export const DENSITIES = ['compact', 'comfortable'] as const

export type Theme = (typeof THEMES)[number]
export type Density = (typeof DENSITIES)[number]

/** How the page looks, kept in this browser. */
class Look {
  theme = $state<Theme>(kept('theme', THEMES, 'system'))
  density = $state<Density>(kept('density', DENSITIES, 'compact'))

  setTheme(theme: Theme): void {
    this.theme = theme
    keep('theme', theme)
    this.apply()
  }

  setDensity(density: Density): void {
    this.density = density
    keep('density', density)
    this.apply()
  }

  nextTheme(): Theme {
    const next = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'system'
    this.setTheme(next)
    return next
  }

  /** Loads the page again: titles and columns are made of words when their files are loaded. */
  setLanguage(language: LanguageChoice): void {
    keep('language', language)
    location.reload()
  }

  /** Writes the choice to the document; the stylesheet does the rest. */
  apply(): void {
    const { dataset } = document.documentElement
    if (this.theme === 'system') delete dataset['theme']
    else dataset['theme'] = this.theme
    if (this.density === 'compact') delete dataset['density']
    else dataset['density'] = this.density
  }
}

export const look = new Look()
