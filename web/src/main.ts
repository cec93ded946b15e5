import './styles/tokens.css'
import './styles/components.css'
import './styles/page.css'
import { mount } from 'svelte'
import App from './App.svelte'
import sprite from './icons.svg?raw'
import { look } from './look.svelte.ts'
import { language } from './text/language.ts'

look.apply()
document.documentElement.lang = language

// Icons are drawn with <use href="#i-…">: the sprite has to stand in the document.
const icons = new DOMParser().parseFromString(sprite, 'image/svg+xml').documentElement
document.body.prepend(document.importNode(icons, true))

const root = document.getElementById('app')
if (root) mount(App, { target: root })
