export { many, n, wordsBy } from './words.ts'
