/* The client of all servers: many connections, one loop on epoll.

     client echo PORT CONNECTIONS SIZE SECONDS ACTIVE   ask again on each active connection, at once
     client connect PORT AT_ONCE SIZE SECONDS           connect, ask once, close, begin again
     client receive PORT BYTES                          take what one connection sends
     client idle PORT CONNECTIONS                       ask once on each connection, and keep it
     client flood PORT LENGTH SIZE SECONDS PID          send lines of LENGTH bytes without end


   A question is SIZE bytes, of which the last is a newline, and so is its answer. The client
   prints "ready" when each connection has been answered once. It reads a line, does its work, and
   prints how many answers (or bytes) there were, and in how many seconds. While it floods, it asks
   on another connection. Then it prints the longest time without an answer there, instead: as
   microseconds that the server, which is process PID, used of its processor, and as seconds. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_EVENTS = 256, BUFFER = 1 << 18 };

struct connection {
    int fd;
    long unsent;     /* of the question */
    long unanswered; /* of the answer */
};

static char buffer[BUFFER];
static char *question;
static long size;
static int poller;
static struct sockaddr_in server;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double read_clock(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) fail("clock_gettime");
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double now(void) { return read_clock(CLOCK_MONOTONIC); }

/* Send what the kernel takes. The rest goes when it says that there is room. */
static void send_more(struct connection *connection) {
    if (!connection->unsent) return;
    long sent = send(connection->fd, question + size - connection->unsent, connection->unsent,
                     MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) fail("send");
    if (sent > 0) connection->unsent -= sent;
}

static void ask(struct connection *connection) {
    connection->unsent = connection->unanswered = size;
    send_more(connection);
}

/* Open a connection that asks as soon as it stands. */
static void open_connection(struct connection *connection) {
    int one = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connection->fd < 0) fail("socket");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(connection->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS)
        fail("connect");
    connection->unsent = connection->unanswered = size;
    /* Edges: each event tells of something new, and nothing is registered again. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event)) fail("epoll_ctl");
}

/* Read all that is there; return whether the whole answer has come. */
static int read_more(struct connection *connection) {
    while (connection->unanswered) {
        long got = recv(connection->fd, buffer, BUFFER, 0);
        if (got < 0 && errno == EAGAIN) return 0;
        if (got < 0) fail("recv");
        if (got == 0 || got > connection->unanswered) {
            fputs(got ? "answered more than was asked\n" : "the server has hung up\n", stderr);
            exit(1);
        }
        connection->unanswered -= got;
    }
    return 1;
}

/* Until `end`, begin again after each answer: `again` is 'a' for ask, 'c' for connect. Then go on
   until nothing is unanswered. Return how many answers came. */
static long converse(int open, double end, char again) {
    struct epoll_event events[MOST_EVENTS];
    long answers = 0;
    while (open) {
        int number = epoll_wait(poller, events, MOST_EVENTS, -1);
        int goes_on = now() < end;
        for (int i = 0; i < number; i++) {
            struct connection *connection = events[i].data.ptr;
            send_more(connection);
            if (!(events[i].events & ~EPOLLOUT) || !connection->unanswered || !read_more(connection))
                continue;
            answers++;
            if (again == 'c') close(connection->fd);
            if (!goes_on) {
                open--;
            } else if (again == 'c') {
                open_connection(connection);
            } else {
                ask(connection);
            }
        }
    }
    return answers;
}

static void wait_for_go(void) {
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) exit(0);
}

/* Open the connections, few at a time, and have each answered once. */
static struct connection *open_all(int number) {
    struct connection *all = calloc(number, sizeof *all);
    for (int opened = 0; opened < number;) {
        int batch = number - opened < 100 ? number - opened : 100;
        for (int i = 0; i < batch; i++) open_connection(&all[opened + i]);
        converse(batch, 0, 0);
        opened += batch;
    }
    return all;
}

static void receive(long bytes) {
    long got, sum = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&server, sizeof server)) fail("connect");
    wait_for_go();
    double begin = now();
    if (send(fd, "go\n", 3, 0) != 3) fail("send");
    while (sum < bytes && (got = recv(fd, buffer, BUFFER, 0)) > 0) sum += got;
    if (sum < bytes) fail("recv");
    printf("%ld %f\n", sum, now() - begin);
}

/* Send packets of 4,096 bytes, and drop the answers. */
static void flood(long length, double seconds, pid_t pid) {
    clockid_t used;
    if (clock_getcpuclockid(pid, &used)) fail("clock_getcpuclockid");
    struct connection asking;
    struct epoll_event events[2];
    char packet[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&server, sizeof server)) fail("connect");
    for (int i = 0; i < 4096; i++) packet[i] = (i + 1) % length ? 'x' : '\n';
    open_connection(&asking);
    while (asking.unanswered) {
        epoll_wait(poller, events, 1, -1);
        send_more(&asking);
        if (asking.unanswered && !asking.unsent) read_more(&asking);
    }
    wait_for_go();
    struct epoll_event flooding = {.events = EPOLLIN | EPOLLOUT, .data.ptr = NULL};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &flooding)) fail("epoll_ctl");
    double begin = now(), asked = begin, asked_used = read_clock(used), longest = 0, most_used = 0;
    ask(&asking);
    for (int ended = 0; !ended;) {
        ended = now() > begin + seconds;
        int answered = 0, number = epoll_wait(poller, events, 2, 1);
        for (int i = 0; i < number; i++) {
            if (events[i].data.ptr == &asking) {
                answered = read_more(&asking);
            } else {
                if (events[i].events & EPOLLIN) recv(fd, buffer, BUFFER, MSG_DONTWAIT);
                if (events[i].events & EPOLLOUT) send(fd, packet, sizeof packet, MSG_DONTWAIT);
            }
        }
        if (answered || ended) {
            double time = now(), time_used = read_clock(used);
            if (time - asked > longest) longest = time - asked;
            if (time_used - asked_used > most_used) most_used = time_used - asked_used;
            asked = time;
            asked_used = time_used;
            if (answered) ask(&asking);
        }
    }
    printf("%ld %f\n", (long)(most_used * 1e6), longest);
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    const char *mode = arguments[1];
    long number = atol(arguments[3]);
    server.sin_family = AF_INET;
    server.sin_port = htons(atoi(arguments[2]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(0);
    size = count > 4 ? atol(arguments[4]) : 64;
    question = malloc(size);
    memset(question, 'x', size);
    question[size - 1] = '\n';
    if (!strcmp(mode, "receive")) {
        receive(number);
        return 0;
    }
    if (!strcmp(mode, "flood")) {
        flood(number, atof(arguments[5]), atoi(arguments[6]));
        return 0;
    }
    struct connection *all;
    if (strcmp(mode, "connect")) {
        all = open_all(number);
    } else {
        all = calloc(number, sizeof *all);
    }
    wait_for_go();
    long answers = 0;
    double begin = now();
    if (!strcmp(mode, "echo")) {
        long active = atol(arguments[6]);
        /* The active ones are spread over all. */
        for (long i = 0; i < active; i++) ask(&all[i * (number / active)]);
        answers = converse(active, begin + atof(arguments[5]), 'a');
    } else if (!strcmp(mode, "connect")) {
        for (long i = 0; i < number; i++) open_connection(&all[i]);
        answers = converse(number, begin + atof(arguments[5]), 'c');
    }
    printf("%ld %f\n", answers, now() - begin);
    fflush(stdout);
    getchar(); /* idle connections stay open until the measurement is over */
    return 0;
}
