/**
 * One connection to itself. One end sends a file by sendfile(2); the other takes it out by splice(2), recv(2) and again
 * splice(2), up to the end of the stream, and sends some back out of a pipe. Says how much, and waits for its end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAYLOAD = 3000000, SPLICED = 1000000, READ = 500000, SENT_BACK = 70000 };

static char room[65536];

static void need(int is_right, const char *what) {
  if (is_right) return;
  perror(what);
  exit(2);
}

/** Takes `wanted` bytes out of a socket through a pipe, or all up to its end where it is -1. */
static long take_by_splice(int socket, long wanted) {
  int pipes[2], nowhere = open("/dev/null", O_WRONLY);
  need(pipe(pipes) == 0, "pipe");
  long taken = 0;
  while (wanted < 0 || taken < wanted) {
    long most = wanted < 0 || wanted - taken > 65536 ? 65536 : wanted - taken;
    long some = splice(socket, 0, pipes[1], 0, most, 0);
    need(some >= 0, "splice");
    if (some == 0) break;
    for (long left = some; left > 0;) left -= splice(pipes[0], 0, nowhere, 0, left, 0);
    taken += some;
  }
  return taken;
}

static void send_by_splice(int socket, long bytes) {
  int pipes[2];
  need(pipe(pipes) == 0, "pipe");
  for (long left = bytes; left > 0;) {
    long some = write(pipes[1], room, left < 10000 ? left : 10000);
    for (long rest = some; rest > 0;) rest -= splice(pipes[0], 0, socket, 0, rest, 0);
    left -= some;
  }
}

static void client(struct sockaddr_in at) {
  int own = socket(AF_INET, SOCK_STREAM, 0), file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
  need(file >= 0 && ftruncate(file, PAYLOAD) == 0, "file");
  need(connect(own, (void *)&at, sizeof at) == 0, "connect");
  for (long sent = 0; sent < PAYLOAD;) sent += sendfile(own, file, 0, PAYLOAD - sent);
  shutdown(own, SHUT_WR);
  while (recv(own, room, sizeof room, 0) > 0);
  _exit(0);
}

int main(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  need(bind(listener, (void *)&at, size) == 0 && listen(listener, 1) == 0, "listen");
  need(getsockname(listener, (void *)&at, &size) == 0, "getsockname");
  if (fork() == 0) client(at);
  int own = accept(listener, 0, 0);
  long taken = take_by_splice(own, SPLICED);
  need(recv(own, room, 1000, MSG_PEEK) > 0, "peek");
  for (long read = 0; read < READ;) {
    long some = recv(own, room, READ - read < (long)sizeof room ? READ - read : (long)sizeof room, 0);
    need(some > 0, "recv");
    read += some;
    taken += some;
  }
  taken += take_by_splice(own, -1);
  send_by_splice(own, SENT_BACK);
  close(own);
  wait(0);
  printf("%ld\n", taken);
  fflush(stdout);
  return read(0, room, 1) < 0;
}
