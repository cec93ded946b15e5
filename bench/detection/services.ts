import { createSocket } from 'node:dgram'
import { createServer as createWebServer } from 'node:http'
import { createServer, type Socket } from 'node:net'

/**
 * What the attacked server of the matrix offers: a web server (/private asks for a password), an FTP server that
 * refuses every password, something that looks like SSH in its packets, and DNS that knows no name. Says `listening`.
 */
const DNS_NO_SUCH_NAME = 0x83
const SSH_ANSWER_BYTES = 1_100

const web = createWebServer((request, response) => {
  if (request.url?.startsWith('/private')) response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' })
  // A form is answered when it is there. The long answer gives those something who read slowly.
  request.resume().on('end', () => response.end('x'.repeat(request.url === '/long' ? 2_000_000 : 200)))
})

function speakFtp(socket: Socket): void {
  socket.on('error', () => {})
  socket.write('220 ready\r\n')
  socket.on('data', (bytes) => {
    const words = bytes.toString('latin1')
    if (words.startsWith('USER')) socket.write('331 password, please\r\n')
    else if (words.startsWith('PASS')) socket.end('530 not logged in\r\n')
    else socket.write('500 what?\r\n')
  })
}

/** As many bytes as a key exchange and a refusal have. */
function speakLikeSsh(socket: Socket): void {
  socket.on('error', () => {})
  socket.write('SSH-2.0-server\r\n')
  let heard = 0
  socket.on('data', () => {
    socket.write(Buffer.alloc(SSH_ANSWER_BYTES))
    if (++heard === 2) socket.end()
  })
}

const dns = createSocket('udp4', (bytes, from) => {
  const answer = Buffer.from(bytes)
  if (answer.length < 12) return
  answer[2] = 0x81
  answer[3] = DNS_NO_SUCH_NAME
  dns.send(answer, from.port, from.address)
})

const listening = [
  new Promise<void>((resolve) => web.listen(80, resolve)),
  new Promise<void>((resolve) => createServer(speakFtp).listen(21, resolve)),
  new Promise<void>((resolve) => createServer(speakLikeSsh).listen(22, resolve)),
  new Promise<void>((resolve) => dns.bind(53, resolve)),
]
await Promise.all(listening)
process.stdout.write('listening\n')
