import type { Text } from './en.ts'
import { many, n } from './words.ts'

export const roles: Text['roles'] = {
  names: { viewer: 'Betrachter', operator: 'Bediener', admin: 'Verwalter' },
  words: {
    viewer: 'Sieht alles, ändert nichts',
    operator: 'Sperrt, trennt, gibt frei und erledigt auch',
    admin: 'Ändert auch Regeln, Listen, Einstellungen und Konten',
  },
  whyNot: (own, needed) => `Nur ansehen, nicht ändern: die eigene Rolle ist ${own}, nötig ist ${needed}.`,
}

export const accounts: Text['accounts'] = {
  title: 'Konten',
  menu: (name) => `Angemeldet: ${name}`,
  menuScreen: 'Konto und Sitzungen',
  since: (at) => `Angemeldet seit ${at}`,
  reading: 'Es wird gefragt, wer sich anmelden darf.',
  unavailable: 'Konten lassen sich jetzt nicht zeigen',

  you: {
    title: 'Eigenes Konto',
    name: 'Name',
    role: 'Rolle',
    signedIn: 'Angemeldet',
    ends: 'Endet spätestens',
    proven: 'Zuletzt ausgewiesen',
    password: 'Passwort',
    app: 'Authenticator-App',
    isSet: 'Gesetzt',
    notSet: 'Nicht gesetzt: angemeldet wird mit Links, die einmal gelten',
    codeOn: (left) => `Bei jeder Anmeldung gefragt; noch ${many(left, 'Ersatzcode', 'Ersatzcodes')}`,
    codeOff: 'Nicht gefragt',
    needsPassword: 'Zuerst ein Passwort setzen: der Code kommt dazu.',
    noAccount: (name) =>
      `${name} kam mit einem Link herein und ist kein Konto dieser Seite: es gibt kein Passwort zu ändern. Unten lässt sich ein Konto anlegen und dann ein Link dafür öffnen.`,
    setPassword: 'Passwort setzen',
    changePassword: 'Passwort ändern',
    setUp: 'App einrichten',
    setUpAgain: 'Andere App einrichten',
    switchOff: 'Keinen Code mehr fragen',
  },

  password: {
    title: 'Eigenes Passwort',
    lede: 'Mindestens 10 Zeichen. Einige Wörter, die sonst niemand zusammenstellt, sind leicht zu merken.',
    fresh: 'Neues Passwort',
    again: 'Noch einmal dasselbe',
    differ: 'Die beiden sind nicht gleich.',
    submit: 'Passwort behalten',
    signedOut:
      'Wer mit dem alten Passwort angemeldet ist, muss sich neu anmelden; das gilt auch für diese Sitzung.',
  },

  app: {
    title: 'Authenticator-App',
    lede: 'Dies mit der App auf dem Telefon lesen oder das Geheimnis dort eintippen. Bevor ein Code zurückkommt, ändert sich nichts.',
    picture: 'QR-Code für die Authenticator-App',
    secret: 'Geheimnis',
    code: 'Code, den die App jetzt zeigt',
    submit: 'Ab jetzt nach Codes fragen',
    offTitle: 'Keinen Code mehr fragen?',
    off: 'Dann genügt zum Anmelden das Passwort, und die Ersatzcodes gelten nicht mehr.',
    offSubmit: 'Keinen Code fragen',
  },

  once: {
    lede: 'Dies wird nur dieses eine Mal gezeigt. Gatehouse behält keine lesbare Kopie.',
    done: 'Ist notiert',
    copyAll: 'Kopieren',
    copied: 'Kopiert.',
    recoveryTitle: 'Ersatzcodes',
    recovery:
      'Jeder gilt einmal anstelle eines Codes, für den Tag, an dem das Telefon weg ist. Am besten dort aufheben, wo das Telefon nicht ist.',
    linkTitle: (name) => `Ein Link für ${name}`,
    link: 'Er gilt einmal, einige Minuten lang, für alle, die ihn haben.',
    tokenTitle: (name) => `Token ${name}`,
    token: 'Zu senden als Kopfzeile Authorization: Bearer …',
  },

  sessions: {
    title: 'Angemeldet',
    ledeOwn: 'Wo dieses Konto jetzt angemeldet ist.',
    ledeAll: 'Alle, die jetzt auf dieser Seite angemeldet sind.',
    by: { link: 'Link', password: 'Passwort' },
    opened: (how) => `Mit ${how}, von`,
    signedIn: 'angemeldet',
    seen: 'zuletzt gesehen',
    this: 'diese hier',
    signOut: 'Abmelden',
    signOutOf: (name, from) => `${name} von ${from} abmelden`,
    soon: 'Wer abgemeldet wird, dessen offene Seite schließt sich innerhalb von zehn Sekunden.',
  },

  others: {
    title: 'Konten und Tokens',
    why: 'Konten von anderen und Tokens sind der Rolle Verwalter vorbehalten.',
  },

  people: {
    title: 'Konten',
    lede: 'Wer sich hier mit eigenem Namen anmelden darf.',
    roleOf: (name) => `Rolle von ${name}`,
    has: (password, recoveryCodes) =>
      password
        ? `Passwort${recoveryCodes === undefined ? '' : ` und Code (${many(recoveryCodes, 'Ersatzcode', 'Ersatzcodes')})`}.`
        : 'Kein Passwort: nur Links.',
    since: 'Seit',
    add: 'Konto hinzufügen',
    link: 'Einmal-Link',
    linkFor: (name) => `Einmal-Link für ${name}`,
    more: (name) => `Mehr für ${name}`,
    resetCode: 'Keinen Code fragen (Telefon verloren)',
    remove: 'Entfernen',
    removeTitle: (name) => `${name} entfernen?`,
    removeWords: (sessions) =>
      sessions === 0
        ? 'Mit dem Konto gehen Passwort und Authenticator-App, und es gibt kein Zurück.'
        : `${many(sessions, 'offene Sitzung endet', 'offene Sitzungen enden')}; mit dem Konto gehen Passwort und Authenticator-App, und es gibt kein Zurück.`,
    empty: 'Noch gibt es kein Konto: angemeldet wird mit Links, die einmal gelten.',
    form: {
      title: 'Konto hinzufügen',
      lede: 'Danach braucht es einen Einmal-Link: wer ihn öffnet, setzt das Passwort.',
      name: 'Name',
      nameHelp: 'Kleinbuchstaben, Ziffern, und nach dem ersten Zeichen auch . _ -',
      role: 'Rolle',
      submit: 'Konto hinzufügen',
    },
  },

  tokens: {
    title: 'Tokens',
    lede: 'Für Programme, die die API fragen, etwa ein Sammler von Metriken.',
    since: 'seit',
    until: 'bis',
    scopes: {
      metrics: 'Nur Metriken',
      viewer: 'Wie Betrachter',
      operator: 'Wie Bediener',
      admin: 'Wie Verwalter',
    },
    never: 'bis es widerrufen wird',
    over: 'abgelaufen',
    add: 'Token erstellen',
    revoke: 'Widerrufen',
    revokeOf: (name) => `${name} widerrufen`,
    revokeTitle: (name) => `${name} widerrufen?`,
    revokeWords:
      'Programme, die es benutzen, werden von da an abgewiesen. Es gibt kein Zurück; ein neues Token ist schnell erstellt.',
    empty: 'Es gibt keine Tokens.',
    form: {
      title: 'Token erstellen',
      name: 'Name',
      nameHelp: 'Des Programms, das es benutzen wird',
      scope: 'Es darf fragen',
      days: 'Gilt',
      daysOf: (days) => (days === 0 ? 'bis es widerrufen wird' : `${n(days)} Tage`),
      submit: 'Token erstellen',
    },
  },
}
