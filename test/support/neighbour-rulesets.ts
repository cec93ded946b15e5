/** What Docker 27, firewalld 1.3 and ufw 0.36 put into the kernel on a machine with one network, cut short. */
export const NEIGHBOURS: Readonly<Record<string, string>> = {
  docker: `
table ip nat {
  chain DOCKER { iifname "docker0" counter return; iifname != "docker0" tcp dport 8080 counter dnat to 172.17.0.2:80; }
  chain PREROUTING { type nat hook prerouting priority dstnat; policy accept; fib daddr type local counter jump DOCKER; }
  chain OUTPUT { type nat hook output priority -100; policy accept; ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER; }
  chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip saddr 172.17.0.0/16 oifname != "docker0" counter masquerade; }
}
table ip filter {
  chain DOCKER { ip daddr 172.17.0.2 iifname != "docker0" oifname "docker0" tcp dport 80 counter accept; }
  chain DOCKER-ISOLATION-STAGE-1 { iifname "docker0" oifname != "docker0" counter jump DOCKER-ISOLATION-STAGE-2; counter return; }
  chain DOCKER-ISOLATION-STAGE-2 { oifname "docker0" counter drop; counter return; }
  chain DOCKER-USER { counter return; }
  chain FORWARD {
    type filter hook forward priority filter; policy accept;
    counter jump DOCKER-USER
    counter jump DOCKER-ISOLATION-STAGE-1
    oifname "docker0" ct state related,established counter accept
    oifname "docker0" counter jump DOCKER
    iifname "docker0" oifname != "docker0" counter accept
  }
}
`,
  firewalld: `
table inet firewalld {
  chain mangle_PREROUTING { type filter hook prerouting priority mangle + 10; policy accept; jump mangle_PREROUTING_ZONES; }
  chain mangle_PREROUTING_ZONES { return; }
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    jump filter_INPUT_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_INPUT_ZONES { iifname "gh0" goto filter_IN_public; goto filter_IN_public; }
  chain filter_IN_public { jump filter_IN_public_allow; meta l4proto { icmp, ipv6-icmp } accept; }
  chain filter_IN_public_allow { tcp dport 22 accept; tcp dport 1024-65535 accept; ip6 daddr fe80::/64 udp dport 546 accept; }
  chain filter_OUTPUT { type filter hook output priority filter + 10; policy accept; ct state { established, related } accept; oifname "lo" accept; }
}
`,
  ufw: `
table ip filter_ufw {
  chain ufw-before-input { iifname "lo" counter accept; ct state related,established counter accept; ct state invalid counter jump ufw-logging-deny; }
  chain ufw-logging-deny { limit rate 3/minute burst 10 packets counter log prefix "[UFW BLOCK] "; }
  chain ufw-user-input { tcp dport 22 counter accept; tcp dport 1024-65535 counter accept; }
  chain ufw-after-input { udp dport 137 counter drop; }
  chain INPUT { type filter hook input priority filter; policy drop; counter jump ufw-before-input; counter jump ufw-user-input; counter jump ufw-after-input; }
}
table ip6 filter_ufw {
  chain ufw6-user-input { tcp dport 22 counter accept; tcp dport 1024-65535 counter accept; }
  chain INPUT { type filter hook input priority filter; policy drop; ct state related,established counter accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; counter jump ufw6-user-input; }
}
`,
}
