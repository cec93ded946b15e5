/**
 * The page at /login. It belongs to the web process, not to the built page: it works before that is built, and
 * without a script. Its script only presses the button for you.
 */
export type LoginView =
  | { readonly view: 'link'; readonly token: string }
  | { readonly view: 'ask'; readonly hasPassword: boolean; readonly message?: string }

export function loginPage(view: LoginView): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Sign in · Gatehouse</title>
<link rel="stylesheet" href="/login.css">
<script src="/login.js" defer></script>
</head>
<body>
<main>
<h1>Sign in to Gatehouse</h1>
${view.view === 'link' ? linkForm(view.token) : askForm(view)}
<p class="foot">Protection runs whether or not you are signed in.</p>
</main>
</body>
</html>
`
}

const linkForm = (token: string): string => `<p>This link works once.</p>
<form method="post" action="/login" data-submit>
<input type="hidden" name="token" value="${escapeHtml(token)}">
<button>Open Gatehouse</button>
</form>`

function askForm(view: { readonly hasPassword: boolean; readonly message?: string }): string {
  const message = view.message ? `<p class="message" role="alert">${escapeHtml(view.message)}</p>\n` : ''
  const form = `<form method="post" action="/login">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
</form>
`
  return `${message}${view.hasPassword ? form : ''}<p>${view.hasPassword ? 'Or get' : 'Get'} a link that works once. On the machine that runs Gatehouse:</p>
<pre>gatehouse login</pre>
<p class="hint">From a checkout: <code>sudo bin/gatehouse login</code></p>`
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** A preview of the link only reads the page; a browser that runs this presses the button. */
export const LOGIN_SCRIPT = `const form = document.querySelector('form[data-submit]')
if (form) form.submit()
else if (!location.search) fetch('/session').then((answer) => { if (answer.ok) location.replace('/') }, () => {})
`

export const LOGIN_STYLE = `:root { color-scheme: light dark; --text: light-dark(#1a1d21, #e6e8eb); --muted: light-dark(#5a626c, #9aa3ad);
  --line: light-dark(#d5d9de, #32383f); --canvas: light-dark(#f7f8f9, #14171a); --surface: light-dark(#fff, #1b1f24);
  --accent: light-dark(#1a5fb4, #4a8fe0); --on-accent: light-dark(#fff, #0c1116); --block: light-dark(#b3261e, #ff8a75) }
* { box-sizing: border-box }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 16px; background: var(--canvas);
  color: var(--text); font: 14px/1.5 system-ui, sans-serif }
main { width: min(22rem, 100%) }
h1 { font-size: 20px; font-weight: 600; letter-spacing: -.015em; margin: 0 0 16px }
label { display: block; font-weight: 500; margin-bottom: 6px }
input, button { width: 100%; font: inherit; min-height: 44px; border-radius: 6px; padding: 0 12px }
input { border: 1px solid var(--muted); background: var(--surface); color: inherit }
button { margin: 16px 0; border: 0; background: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
pre { margin: 0; padding: 8px 12px; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); overflow: auto }
.message { color: var(--block); font-weight: 500 }
.hint, .foot { color: var(--muted); font-size: 12px }
.foot { border-top: 1px solid var(--line); margin-top: 24px; padding-top: 12px }
`
