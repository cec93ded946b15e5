import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

/** Builds the page to dist/web: hashed names, nothing inlined, so that the strictest Content-Security-Policy fits. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // One file instead of thirty: what a screen that loads later shares with the first load is split off otherwise.
        codeSplitting: {
          groups: [
            // What catalogues import stands apart: the page waits for a catalogue, which would wait for the page.
            { name: 'language', test: /\/src\/(kept|text\/(language|words))\.ts$/, priority: 2 },
            { name: 'page', tags: ['$initial'], priority: 1 },
          ],
        },
        // By their names page-size.mjs finds the catalogues: a reader loads one of them before the first screen.
        chunkFileNames: ({ facadeModuleId }) =>
          `assets/${/\/text\/[a-z]{2}\.ts$/.test(facadeModuleId ?? '') ? 'text-' : ''}[name]-[hash].js`,
      },
    },
  },
})
