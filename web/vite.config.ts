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
        // By their names page-size.mjs finds the catalogues: a reader loads one of them before the first screen.
        chunkFileNames: ({ facadeModuleId }) =>
          `assets/${/\/text\/[a-z]{2}\.ts$/.test(facadeModuleId ?? '') ? 'text-' : ''}[name]-[hash].js`,
      },
    },
  },
})
