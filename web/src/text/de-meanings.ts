/** What settings mean, by their keys. One that has no words here is shown as the daemon describes it, in English. */
const fixed: Readonly<Record<string, string>> = {
  'capture.interfaces':
    'Schnittstellen, die beobachtet werden, etwa eth0. Leer: jede, die eingeschaltet ist, außer der Schleife.',
  'capture.loopback': 'Auch die Schleife beobachten: was Programme dieses Rechners einander sagen.',
  'capture.snapBytes':
    'So viele Bytes werden von jedem Rahmen behalten. 2.304 fassen einen vollen Ethernet-Rahmen und die erste Nachricht fast aller TLS-Verbindungen; bei weniger passen mehr Pakete in den Ring.',
  'capture.maxFlows': 'So viele Flüsse werden zugleich verfolgt. Jeder braucht etwa 128 Bytes.',
  'capture.maxHosts':
    'So viele Rechner sind zugleich bekannt. Beim Doppelten von maxFlows oder mehr fehlt keinem Fluss ein Rechner.',
  'respond.profile':
    'Setzt alertFrom, limitFrom, blockFrom und minConfidence, wo sie fehlen. normal: low, never, high, 0,7; aggressive: info, medium, high, 0,5; paranoid: info, low, medium, 0,3. Und die Grenzen der Erkennungen: aggressive verlangt etwa die Hälfte der Belege, paranoid ein Viertel.',
  'respond.alertFrom':
    'Ab dieser Schwere erfahren Menschen von Befunden; der Rest wird vermerkt und abgelegt.',
  'respond.limitFrom':
    'Ab dieser Schwere kommen nur wenige Pakete des Absenders durch, wo er nicht gesperrt ist.',
  'respond.blockFrom': 'Ab dieser Schwere wird der Absender gesperrt; `never`: niemand.',
  'respond.minConfidence': 'Nur sperren, wenn die Erkennung mindestens so sicher ist, von 0 bis 1.',
  'respond.blockSeconds': 'Wie lange die erste selbsttätige Sperre einer Adresse dauert, in Sekunden.',
  'respond.escalation':
    'Wie lange die zweite, dritte und jede weitere Sperre derselben Adresse (IPv6: desselben /64) dauert, in Sekunden. Leer: immer blockSeconds.',
  'respond.escalationDays':
    'So viele Tage nach ihrem Ende zählen Sperren noch mit. Hebt ein Mensch eine auf, beginnt das Zählen von vorn.',
  'respond.blocksPerMinute':
    'So viele Adressen, die nichts beweist (kein Handschlag), dürfen in einer Minute gesperrt werden. Scans lassen sich unter fremden Namen senden: Das begrenzt, was ein Fälscher uns aussperren lässt.',
  'respond.guestDays':
    'Von wo sich in so vielen Tagen jemand angemeldet hat, das wird nicht auf Belege hin gesperrt, die gefälscht sein können: Ein Scan in seinem Namen darf ihn nicht aussperren. 0: gesperrt wie jeder andere.',
  'respond.beyondBudget':
    'Was jenseits von blocksPerMinute geschieht, neben einem Alarm: wenige Pakete dieser Absender durchlassen (höchstens zehnmal so viele Absender) oder nur vermerken.',
  'respond.ipv6PrefixBits':
    'Wie viel einer IPv6-Adresse eine selbsttätige Sperre nennt: 128 ist die eine Adresse, 64 ihr ganzes Netz. Steht ein Teil des Netzes auf der Freiliste, bleibt es bei der einen Adresse.',
  'respond.ipv6WidenAfter':
    'So viele angreifende Adressen eines IPv6-/64 in einer Stunde, und das ganze /64 wird gesperrt; so viele /64 eines /56, dann dieses, und so viele /56 eines /48, dann jenes. Jenseits von /64 zählen nur bewiesene Absender. 0: nie.',
  'respond.confirmations':
    'Nach so vielen angenommenen Vorschlägen sperrt eine Erkennung in der Stufe `suggest` selbst, bis ein Mensch eine ihrer Sperren zurücknimmt.',
  'playbooks.commands':
    'Was Abläufe ausführen dürfen, nach Namen: der volle Pfad eines Programms und seine Argumente, ohne Shell. Ein Argument darf {subject}, {victim}, {detector}, {kind}, {severity}, {alert} sein. Ein Befehl hat 20 Sekunden; vier laufen zugleich.',
  'playbooks.books':
    'Was neben der üblichen Antwort geschieht. Jeder Ablauf hat einen Namen; when: detector, kind, severity (so schwer oder schwerer), victim, times, withinMinutes; steps, je einer von block, limit, closeConnections, closePort, capture, notify, run; coolDownMinutes für denselben Absender; dryRun.',
  'enforce.onStop':
    'Wird Gatehouse beendet: die Sperren im Kernel lassen, bis ihre Zeit um ist, oder aufheben. Beim nächsten Start sind sie wieder da. Ebenso Regeln und Listen; für einen Absturz siehe rules.onCrash.',
  'enforce.table': 'Name der nftables-Tabelle der Familie inet. Sie gehört uns allein.',
  'enforce.refusalsPerSecond':
    'So viele Absagen geschlossener TCP-Ports bekommt ein Rechner je Sekunde von einem anderen; der Rest wird verworfen, damit ein Portscan wenig erfährt, bevor er ausgesperrt wird. 0: alle.',
  'enforce.refusalBurst':
    'So viele Absagen gehen auf einmal hinaus, bevor die Grenze gilt. Mehr als detectors.port-scan.refusedPorts.',
  'enforce.limitedPerSecond':
    'So viele Pakete je Sekunde bringt eine begrenzte, nicht gesperrte Adresse durch.',
  'rules.file':
    'Die Regeln der Firewall (docs/rules.md). Ohne die Datei geht alles durch, was nicht gesperrt ist.',
  'rules.onFileChange':
    'Was aus einer Regeldatei wird, die sich ändert, während Gatehouse läuft: Sie wartet als Entwurf auf `gatehouse apply`, oder sie gilt gleich, wenn sie gut ist und niemanden abschneidet.',
  'rules.openConnections':
    'Was aus offenen Verbindungen wird, wenn Regeln für immer in Kraft treten, die sie verbieten, und die davor taten es nicht: Sie werden getrennt oder laufen zu Ende. Anmeldungen, die Seite, DNS, Gateways, Zeit und Schleife werden nie getrennt.',
  'rules.markMask':
    'Bits der Marken von Sockets, die Programme unterscheiden, für Regeln nach Programm, Paket, Einheit und Container: Acht Bits unterscheiden 127 Arten. Niemand sonst darf sie benutzen; Gatehouse sieht nach und sagt es.',
  'rules.strictPrograms':
    'Solange Regeln nach Programmen fragen: Eines, das noch niemand sah, bekommt „Operation not permitted“, bis es angesehen wurde, für Millisekunden. Sonst gilt es so lange als unbekannt, und was Regeln dann verbieten, wird getrennt.',
  'rules.pinFolder':
    'Ein bpf-Dateisystem, in dem weitergeht, was Programme unterscheidet, wenn Gatehouse stirbt (rules.onCrash: keep).',
  'rules.onCrash':
    'Stirbt Gatehouse, ohne beendet zu werden: Regeln und Sperren in Kraft lassen (Sperren enden mit ihrer Zeit) oder alles sofort öffnen, durch einen Prozess daneben, der auf das Ende achtet.',
  'allow.allow': 'Adressen und Bereiche, die nie gesperrt werden, neben denen, die Gatehouse selbst findet.',
  'store.flowsDays': 'So viele Tage werden Flüsse aufbewahrt.',
  'store.alertsDays': 'So viele Tage werden Alarme aufbewahrt.',
  'store.decisionsDays':
    'So viele Tage werden Entscheidungen aufbewahrt; die hinter einer geltenden Sperre bleiben.',
  'store.maxMegabytes':
    'Größe der Datenbank: Darüber gehen zuerst die ältesten Flüsse, dann Alarme, dann Entscheidungen.',
  'page.enabled': 'Die Seite anbieten. Die Befehlszeile geht auch ohne sie.',
  'page.host':
    'Adresse dieses Rechners, auf der die Seite hört. Andere als die Schleife öffnen sie dem Netz.',
  'page.proofMinutes':
    'So viele Minuten nach dem Anmelden oder erneuten Kennwort dürfen Regeln, Einstellungen und Konten auf der Seite geändert werden; 0: solange die Sitzung dauert.',
  'page.port': 'Port der Seite; 0 nimmt einen freien.',
  'page.origins':
    'Weitere Adressen, unter denen die Seite erreicht wird, etwa https://gatehouse.lan hinter einem Proxy.',
  'page.user': 'Wer der Webprozess wird, wenn er root aufgibt; sonst gatehouse oder nobody.',
  'owners.holdFirstPackets':
    'Wo es eBPF nicht gibt: das erste Paket jeder Verbindung dieses Rechners halten, bis ihr Programm gefunden ist (NFQUEUE, Tabelle inet gatehouse_owners). Aus: Programme, die nur einen Augenblick leben, werden verpasst.',
  'owners.countBytes':
    'Wie die Bytes von Programmen gezählt werden, wo es eBPF gibt. messages: was sie senden und nehmen, ohne Köpfe. packets: jedes Paket mit seinen Köpfen; ein connect() über die Schleife dauert dann etwa 5 % länger. Linux vor 6.3 hat nur packets.',
  'places.files':
    'Eigene MMDB-Dateien von Städten, Ländern oder Netzen. Was sie wissen, geht vor dem, was Gatehouse mitbringt; die erste, die es weiß, zählt.',
  'places.country':
    'Land, in dem dieser Rechner steht, etwa DE: Von dort zieht die Karte ihre Linien. Fehlt es: was eine öffentliche Adresse oder die Zeitzone sagt.',
  'intel.feeds':
    'Listen des Katalogs, die ein- oder ausgeschaltet sind, etwa „feodo: { on: true, action: block }“. Was hier steht, geht vor gatehouse feeds on. Ohne dies wird nichts geholt.',
  'intel.lists':
    'Eigene Listen, jede mit id, format und url oder file; dazu title, action, everyHours, checksumUrl, authorizationFile und near (true: ein Server im eigenen Netz).',
  'intel.reputation.alertFrom':
    'Ein Alarm meldet eine Gegenstelle oder ein Programm mit so schlechtem Ruf, von 1 bis 100.',
  'intel.reputation.blockFrom':
    'Eine Gegenstelle mit so schlechtem Ruf wird gesperrt, für blockSeconds. Ohne dies keine.',
  'intel.reputation.countries': 'Länder, die gegen eine Adresse sprechen, und wie sehr: „KP: 30“.',
  'intel.proxy':
    'Web-Proxy, über den Listen geholt und Dienste gefragt werden, etwa „http://192.0.2.1:3128“; mit Name und Kennwort, wenn er sie will.',
  'intel.ignore': 'Adressen, Bereiche und Domains, über die keiner Liste geglaubt wird.',
  'intel.blockSeconds': 'Wie lange eine Adresse gesperrt wird, die eine Liste mit der Wirkung block nennt.',
  'intel.maxShrink':
    'Eine Liste, die mehr als diesen Anteil ihrer Einträge auf einmal verliert, wartet auf einen Menschen.',
  'intel.maxGrow': 'Eine Liste, die auf einmal so viel mal so viele Einträge hat, wartet auf einen Menschen.',
  'intel.maxMegabytes': 'Größte Liste, die geholt wird, wie sie gesendet wird.',
  'intel.maxEntries': 'So viele Einträge darf eine Liste höchstens haben.',
  'shield.challenge':
    'Adressen, die im Gleichschritt scannen (nmap -D: ein Scanner, der Rest erfunden), werden nicht gesperrt, sondern geprüft: Ein SYN-Proxy antwortet ihnen an jedem Port. Wer wirklich da ist, kommt durch; ein Scan findet jeden Port offen.',
  'shield.floods':
    'Wenn gefälschte SYNs einen Port fluten, auf dem ein Programm hört: ihn hinter einen SYN-Proxy stellen, damit neue Verbindungen gelingen. auto: nur, wo der Kernel es nicht selbst tut (net.ipv4.tcp_syncookies = 0).',
  'shield.datagramsPerSecond':
    'Wenn gefälschte UDP-Pakete einen Port fluten: so viele je Sekunde, die ein Gespräch beginnen, kommen zu ihm durch. Wer schon in einem ist, wird nicht gebremst. Nicht, wo floods auf `never` steht.',
  'shield.seconds': 'Wie lange das dauert, ab der letzten Meldung.',
  'decoys.enabled': 'Ob die Ports und Adressen unten antworten. Ohne welche antwortet nichts.',
  'decoys.ports':
    'TCP-Ports dieses Rechners, die antworten, obwohl kein Programm darauf hört, etwa [23, 3389]: Wer sich verbindet, wird festgehalten, was er sendet, vermerkt, und er wird gesperrt. Hört ein Programm auf einem Port, ist er keiner mehr.',
  'decoys.addresses':
    'Adressen, die niemand benutzt und deren Pakete diesen Rechner erreichen (über eine Route; ARP wird nicht beantwortet): Jeder TCP-Port darauf ist ein Köder.',
  'decoys.banners': 'Was ein Köder zuerst sagt, nach Port: {"23": "login: "}',
  'decoys.mostPeers': 'So viele Gegenstellen werden zugleich festgehalten.',
  'decoys.recordBytes': 'So viele Bytes dessen, was jede sendet, werden vermerkt.',
  'logs.journal':
    'Fehlgeschlagene Anmeldungen (sshd, sudo, dovecot, postfix, vsftpd) aus dem Journal von systemd lesen.',
  'logs.files':
    'Protokolldateien, aus denen fehlgeschlagene Anmeldungen gelesen werden: von syslog, vsftpd oder nginx. Auf eine, die fehlt, wird gewartet. Ein Versuch, von dem zwei erzählen, zählt einmal. Hinter einem Proxy muss nginx den Besucher festhalten (Modul real_ip).',
  'report.folder':
    'Ordner von firewall.log und eve.json; sonst der Ordner log, wo Gatehouse seinen Stand aufbewahrt.',
  'report.firewallLog': 'Was abgewiesen wird und was Regeln vermerken, in firewall.log schreiben.',
  'report.blockedPackets':
    'Auch schreiben, was Sperren, Begrenzungen und sperrende Listen abweisen, nicht nur, was Regeln und Vorgaben abweisen.',
  'report.eve':
    'Alarme, abgewiesene Pakete und beendete Flüsse in eve.json schreiben, als EVE-JSON für ein SIEM.',
  'report.packetsPerSecond':
    'So viele Pakete je Sekunde werden von Regeln höchstens geschrieben, ein Viertel davon von einer Regel; von Sperren und von sperrenden Listen je ein weiteres Viertel. Der Rest wird gezählt und einmal je Sekunde genannt. Der Kernel hält die Grenze: Eine Flut kostet nicht mehr.',
  'report.nflogGroup':
    'NFLOG-Gruppe, über die der Kernel Pakete reicht. Eine andere, wenn ulogd auf dieser hört.',
  'report.maxMegabytes': 'Ab dieser Größe wird eine Datei in .1 umbenannt und neu begonnen.',
  'report.keptFiles': 'So viele ältere Dateien werden von jeder aufbewahrt.',
  'detectors.amplification.answersPerSecond':
    'Große UDP-Antworten je Sekunde an einen Rechner, um die er nicht bat, von einer Art Dienst (DNS, NTP, SSDP, memcached, CLDAP …).',
  'detectors.amplification.timesUsual':
    'Und so viel mal das für diesen Rechner Übliche, bis zum Zehnfachen der Grenze.',
  'detectors.arp-spoof.contests':
    'Wie oft eine Adresse in fünf Minuten zwischen zwei Hardwareadressen wechseln darf.',
  'detectors.arp-spoof.announcements': 'Ungefragte ARP-Ankündigungen einer Adresse in zehn Sekunden.',
  'detectors.arp-spoof.guarded':
    'IPv4-Adressen, etwa das Gateway, deren Hardwareadresse sich nie ändern darf: Eine Änderung genügt.',
  'detectors.brute-force.perMinute':
    'Anmeldungen je Minute von einer Adresse an einem Dienst, die sich gleichen und scheiterten.',
  'detectors.brute-force.perHalfHour': 'Dasselbe in einer halben Stunde: langsames Raten.',
  'detectors.brute-force.sources':
    'Adressen, die sich das Raten an einem Dienst teilen: zusammen dreimal perHalfHour.',
  'detectors.connection-flood.connectionsPerMinute':
    'Neue Verbindungen je Minute von einer Adresse zu einem Dienst, die einen Vermerk wert sind.',
  'detectors.connection-flood.emptyTimes':
    'So viel mal so viele sind ein Angriff, wenn die Verbindungen nichts tragen.',
  'detectors.connection-flood.busyTimes':
    'So viel mal so viele sind eine Warnung: ein Büro hinter einer Adresse, ein Baurechner, ein Proxy.',
  'detectors.connection-flood.floodTimes': 'So viel mal so viele sind ein Angriff, was immer sie tragen.',
  'detectors.decoy.recordBytes': 'So viele Bytes dessen, was jemand einem Köder sendet, stehen im Alarm.',
  'detectors.distributed-scan.sources':
    'Adressen, die in zehn Minuten je an einigen Ports desselben Rechners scheiterten.',
  'detectors.distributed-scan.portsEach':
    'An so vielen Ports muss eine Adresse gescheitert sein, um zu zählen.',
  'detectors.distributed-scan.ports': 'So viele verschiedene Ports müssen sie zusammen versucht haben.',
  'detectors.dns-server-change.learnMinutes':
    'So lange darf ein neuer Client jeden DNS-Server benutzen; das sind von da an die seinen.',
  'detectors.dns-server-change.answers':
    'Antworten in einer Minute von einem DNS-Server, den der Client zuvor nicht benutzte.',
  'detectors.dns-tunnel.carriedBytes':
    'Lang ist ein Name mit so vielen Bytes vor der Domain, die jemand angemeldet hat; Adressen in Namen von Sperrlisten zählen nicht.',
  'detectors.dns-tunnel.questionsPerMinute':
    'So viele verschiedene lange Namen einer Domain, oder Namen, nach deren Texten (TXT, NULL) gefragt wird, darf ein Client in einer Minute erfragen.',
  'detectors.dns-tunnel.perHalfHour': 'Dasselbe in einer halben Stunde: Tunnel, die sich Zeit lassen.',
  'detectors.dns-tunnel.tunnelTimes':
    'So viel mal so viele sind ein Tunnel; weniger ist eine Warnung, denn manche Virenscanner schlagen so Dateien nach.',
  'detectors.flood.synPerSecond': 'SYNs je Sekunde an einen Rechner, aus denen kein Handschlag wird.',
  'detectors.flood.ackPerSecond': 'TCP-Pakete je Sekunde an einen Rechner, die zu keiner Verbindung gehören.',
  'detectors.flood.fragmentPerSecond':
    'Bruchstücke je Sekunde an einen Rechner, aus denen nie ein Ganzes wird.',
  'detectors.flood.udpPerSecond':
    'UDP-Pakete je Sekunde an einen Rechner, die einen Fluss beginnen oder ohne Antwort bleiben.',
  'detectors.flood.icmpPerSecond': 'ICMP-Nachrichten je Sekunde, um die ein Rechner nicht bat.',
  'detectors.flood.timesUsual':
    'Und so viel mal das für diesen Rechner Übliche, bis zum Zehnfachen der Grenze.',
  'detectors.gateway-redirect.gateways':
    'Gateways dieses Netzes: Wer ein anderes ausgibt oder dorthin umleitet, ist schwerwiegend. Leer: Ein durch DHCP geändertes Gateway und jede Umleitung sind Warnungen.',
  'detectors.generated-names.generatedNames':
    'Verschiedene Domains, die nach Maschine aussehen und nicht bestehen, von einem Client in fünf Minuten erfragt.',
  'detectors.generated-names.missingNames':
    'Verschiedene Domains beliebigen Aussehens, die nicht bestehen, in fünf Minuten: nur eine Warnung.',
  'detectors.host-sweep.refusedHosts':
    'So viele verschiedene Rechner dürfen eine Adresse am selben Port abweisen.',
  'detectors.host-sweep.silentHosts':
    'So viele verschiedene Rechner dürfen eine Adresse am selben Port ohne Antwort lassen.',
  'detectors.host-sweep.silentAfterSeconds': 'Wer nach dieser Zeit nicht geantwortet hat, schweigt.',
  'detectors.host-sweep.windowSeconds': 'Nur Versuche innerhalb so vieler Sekunden zählen zusammen.',
  'detectors.http-flood.requestsPerSecond':
    'Unverschlüsselte HTTP-Anfragen je Sekunde von einer Adresse an einen Dienst, über zehn Sekunden.',
  'detectors.http-flood.floodTimes': 'So viel mal so viele sind ein Angriff; weniger ist eine Warnung.',
  'detectors.http-flood.timesUsual': 'Und so viel mal das für diese Adresse und diesen Dienst Übliche.',
  'detectors.icmp-tunnel.strangeAnswers':
    'Echo-Antworten je Minute zwischen zwei Rechnern, die anderes tragen als gefragt wurde oder um die niemand bat.',
  'detectors.icmp-tunnel.changingRequests':
    'Echo-Anfragen je Minute zwischen zwei Rechnern, die jedes Mal andere Daten tragen als die davor: eine Warnung.',
  'detectors.neighbour-spoof.contests':
    'Wie oft eine IPv6-Adresse in fünf Minuten zwischen zwei Hardwareadressen wechseln darf.',
  'detectors.neighbour-spoof.guarded':
    'IPv6-Adressen, etwa das Gateway, deren Hardwareadresse sich nie ändern darf: Eine Änderung genügt.',
  'detectors.os-fingerprint.kinds':
    'So viele Arten sinnloser TCP-Pakete (SYN mit FIN, gar keine Flagge, FIN mit PSH und URG) darf eine Adresse in einer Minute an einen Rechner senden; eine davon muss SYN mit FIN sein.',
  'detectors.port-scan.refusedPorts':
    'So viele verschiedene geschlossene Ports eines Rechners darf eine Adresse versuchen.',
  'detectors.port-scan.silentPorts':
    'So viele verschiedene Ports eines Rechners dürfen eine Adresse ohne Antwort lassen.',
  'detectors.port-scan.silentUdpPorts': 'Dasselbe für UDP, wo mancher Dienst nie antwortet.',
  'detectors.port-scan.pendingPorts':
    'Auf so viele verschiedene Ports eines Rechners darf eine Adresse im selben Augenblick warten.',
  'detectors.port-scan.silentAfterSeconds': 'Ein Port, der nach dieser Zeit nicht geantwortet hat, schweigt.',
  'detectors.port-scan.windowSeconds': 'Nur Versuche innerhalb so vieler Sekunden zählen zusammen.',
  'detectors.protocol-scan.protocols':
    'So viele verschiedene ungewöhnliche IP-Protokolle darf eine Adresse an einem Rechner versuchen; die von Tunneln, Routing, TCP, UDP und ICMP zählen nicht.',
  'detectors.rogue-dhcp.servers':
    'DHCP-Server dieses Netzes: Jeder andere ist schwerwiegend. Leer: Der erste, der antwortet, gilt als der richtige, andere sind eine Warnung.',
  'detectors.rogue-router.routers':
    'IPv6-Router dieses Netzes, nach ihren link-local-Adressen: Jeder andere ist schwerwiegend. Leer: Der erste gilt als der richtige, andere sind eine Warnung.',
  'detectors.rogue-router.flood': 'Verschiedene Router, die sich in einer Minute anbieten.',
  'detectors.sctp-scan.ports':
    'An so viele verschiedene SCTP-Ports eines Rechners darf eine Adresse in zwei Minuten vergeblich klopfen.',
  'detectors.slow-http.connections':
    'Langsame Verbindungen einer Adresse zu einem Webdienst zur selben Zeit.',
  'detectors.slow-http.pieces':
    'Langsam ist eine Anfrage, die in so vielen Stücken kam, in verschiedenen Sekunden, und ohne Antwort ist; ein Leser, wenn er sein Fenster so oft schloss.',
  'detectors.slow-http.afterSeconds': 'Jüngere Verbindungen sind noch nicht langsam.',
  'detectors.slow-http.ports': 'Ports von Webdiensten.',
  'detectors.slow-scan.falseAlarms':
    'Die Wahrscheinlichkeit, dass ein ehrlicher Rechner für einen Scanner gehalten wird. 0,00001 verlangt neun gescheiterte Erstkontakte mehr als gelungene.',
  'detectors.slow-scan.hours': 'Wer so lange an nichts scheiterte, beginnt von vorn.',
  'detectors.version-probe.probes':
    'So viele verschiedene Begrüßungen von Protokollen (HTTP, RTSP, HELP …) darf eine Adresse in zwei Minuten an einem Rechner versuchen; Worte, die nur ein Scanner sagt, genügen sofort.',
  'detectors.call-home.openings':
    'So viele Verbindungen zu einem Rechner und Port in gleichen Abständen, bevor davon berichtet wird.',
  'detectors.call-home.mostJitter': 'Wie sehr sich die Abstände unterscheiden dürfen, als Teil des Abstands.',
  'detectors.call-home.scatteredOpenings':
    'So viele, wenn sich die Abstände mehr unterscheiden, aber fast alle in einer engen Spanne liegen: eine Uhr, die absichtlich streut.',
  'detectors.call-home.ignoredPorts':
    'Ports von Diensten, die alle Rechner regelmäßig fragen, etwa Zeit und Namen.',
  'detectors.call-home.programs':
    'Pfade von Programmen, die sich nach Hause melden dürfen, etwa ein Überwachungsdienst: Davon wird nicht berichtet.',
  'detectors.changed-program.updates':
    'Auch von Programmen berichten, die so sind, wie ihr Paket sie brachte: Aktualisierungen.',
  'detectors.changed-program.programs':
    'Pfade von Programmen, die sich ständig ändern, etwa selbst gebaute: Davon wird nicht berichtet.',
  'detectors.first-seen.kinds':
    'Wovon berichtet wird: ein nie gesehenes Programm, oder eines, das zum ersten Mal mit einem Rechner oder Land spricht.',
  'detectors.first-seen.learnDays': 'So viele Tage ist an einem Programm alles neu und keine Nachricht.',
  'detectors.first-seen.mostPeers':
    'Ein Programm mit mehr Rechnern (oder Ländern), etwa ein Browser, trifft ständig neue.',
  'detectors.gateway-change.kinds':
    'Wovon berichtet wird: ein anderes Standard-Gateway dieses Rechners, andere DNS-Server in seiner resolv.conf.',
  'detectors.login-failures.failures':
    'Falsche Kennwörter von einer Adresse an einem Dienst im Zeitraum, wie Protokolle davon erzählen.',
  'detectors.login-failures.windowSeconds': 'Der Zeitraum, in Sekunden.',
  'detectors.login-failures.slowFailures': 'Dasselbe an einem Tag, für die, die sich Zeit lassen.',
  'detectors.login-failures.sharedSources':
    'Adressen, die sich an einem Tag an demselben Konto vergeblich anmeldeten: Sie teilen sich das Raten.',
  'detectors.login-failures.sharedFailures':
    'Falsche Kennwörter an einem Tag von einer dieser Adressen, wenn von ihr an dem Tag niemand hineinkam: wenige, denn viele tun es.',
  'detectors.login-failures.probes':
    'Besuche im Zeitraum, die enden, bevor ein Kennwort versucht wird, und Seiten, die ein Webserver nicht hat: nur eine Warnung.',
  'detectors.outbound-transfer.megabytes':
    'So viel darf ein Programm in einer Stunde an einen Rechner senden, in Verbindungen, die es öffnete.',
  'detectors.outbound-transfer.unusualMegabytes':
    'Ab hier wird von einer Stunde berichtet, die für Programm und Rechner ungewöhnlich ist.',
  'detectors.outbound-transfer.percent':
    'Ungewöhnlich ist mehr als so viele Prozent vom Mittel dieser Stunde der Woche …',
  'detectors.outbound-transfer.spreads':
    '… und so viel mal darüber, wie sich die Stunden sonst unterscheiden.',
  'detectors.outbound-transfer.learnDays':
    'So viele Tage wird zugesehen, bevor das zählt; eine Sicherung, die bis dahin üblich ist, wird nicht mehr gemeldet.',
  'detectors.outbound-transfer.withPrivate':
    'Auch Rechner privater Netze ansehen, etwa einen Speicher im Haus.',
  'detectors.unusual-traffic.percent':
    'Ungewöhnlich ist eine Stunde jenseits so vieler Prozent vom Mittel dieser Stunde der Woche …',
  'detectors.unusual-traffic.spreads':
    '… und wenn sie so viel mal darüber liegt, wie sich die Stunden sonst unterscheiden.',
  'detectors.unusual-traffic.learnDays':
    'So viele Tage wird ein Programm, Rechner oder Dienst beobachtet, bevor davon berichtet wird.',
  'detectors.unusual-traffic.megabytes': 'Von einer Stunde mit weniger in einer Richtung wird nie berichtet.',
  'detectors.unusual-traffic.connections':
    'Von einer Stunde mit weniger Verbindungen wird nie berichtet, wenn ihre Bytes es nicht verlangen.',
}

const SERVICES: Readonly<Record<string, string>> = {
  virustotal: 'VirusTotal nach einem Hash, einer Adresse oder Domain fragen',
  abuseipdb: 'AbuseIPDB nach einer Adresse fragen',
  otx: 'AlienVault OTX nach einem Hash, einer Adresse oder Domain fragen',
  rdap: 'RDAP fragen, wem eine Adresse gehört',
}

const OF_SERVICES: Readonly<Record<string, string>> = {
  auto: 'Von selbst nach neuen Programmen und öffentlichen Gegenstellen fragen, zuerst nach denen in Alarmen. Der Dienst erfährt dann, mit wem gesprochen wird.',
  key: 'Der Schlüssel. Besser in einer eigenen Datei: keyFile.',
  keyFile: 'Datei, die den Schlüssel enthält und sonst nichts. Niemand sonst darf sie lesen (chmod 600).',
  url: 'Ein anderer Server, der dasselbe Protokoll spricht.',
  reports:
    'Einverstanden, dass Adressen dem Dienst gemeldet und dort allen gezeigt werden: jede von Hand (gatehouse report-abuse), keine von selbst.',
}

/** Undefined where there are no words for it. */
export function germanMeaning(setting: string): string | undefined {
  const [, detector] = /^respond\.modes\.([a-z-]+)$/.exec(setting) ?? []
  if (detector !== undefined)
    return `Wozu Befunde von ${detector} führen dürfen. off: zu nichts, nicht einmal einem Alarm; watch: zu einem Alarm; suggest: zu einer Sperre, die auf einen Menschen wartet, bis die Erkennung Vertrauen verdient hat; act: zu einer Sperre.`
  const [, service = '', of = ''] = /^intel\.services\.([a-z]+)\.([a-zA-Z]+)$/.exec(setting) ?? []
  if (of === 'on' && SERVICES[service] !== undefined)
    return `${SERVICES[service]}: von Hand (gatehouse lookup --ask), oder von selbst, wo auto es sagt.`
  return fixed[setting] ?? OF_SERVICES[of]
}
