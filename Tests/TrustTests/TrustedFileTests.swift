import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Trust

/// Who can change a file. The tests make files of other users, so they run as root, as all that need an engine do.
@Suite struct TrustedFileTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/watcher-trust-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try #require(geteuid() == 0)
        try body(directory)
    }

    private func write(_ path: String, mode: mode_t = 0o600, owner: uid_t = 0) throws {
        try Data("text".utf8).write(to: URL(filePath: path))
        chmod(path, mode)
        chown(path, owner, 0)
    }

    private func refusal(_ path: String) -> TrustedFile.Refusal? {
        do {
            try TrustedFile.check(path, as: "the configuration")
            return nil
        } catch { return error }
    }

    @Test(arguments: [0o600, 0o644, 0o400, 0o755] as [mode_t])
    func `a file of root that only root can write is trusted`(mode: mode_t) throws {
        try withDirectory { directory in
            try write("\(directory)/file", mode: mode)
            #expect(refusal("\(directory)/file") == nil)
        }
    }

    @Test(
        arguments: [(0o666, "everybody"), (0o602, "everybody"), (0o660, "its group"), (0o620, "its group")]
            as [(mode_t, String)])
    func `a file that others can write is refused with the command that repairs it`(mode: mode_t, who: String) throws {
        try withDirectory { directory in
            let path = "\(directory)/file"
            try write(path, mode: mode)
            let refusal = refusal(path)
            #expect(refusal?.reason == .permissions)
            #expect(
                refusal?.message
                    == "the configuration \(path) is writable for \(who) (mode 0\(String(mode, radix: 8)))")
            #expect(refusal?.advice == "Run `chmod go-w \(path)`.")
        }
    }

    @Test func `a file of another user is refused with the command that repairs it`() throws {
        try withDirectory { directory in
            let path = "\(directory)/file"
            try write(path, owner: 4711)
            #expect(refusal(path)?.message == "the configuration \(path) belongs to the user 4711")
            #expect(refusal(path)?.advice.hasPrefix("Run `chown root \(path)`") == true)
        }
    }

    @Test func `a file in a directory that others can write could be replaced`() throws {
        try withDirectory { directory in
            let path = "\(directory)/sub/file"
            mkdir("\(directory)/sub", 0o755)
            try write(path)
            chmod("\(directory)/sub", 0o777)
            #expect(
                refusal(path)?.message
                    == "the configuration \(path) could be replaced: \(directory)/sub is writable for everybody (mode 0777)"
            )
            #expect(refusal(path)?.advice == "Run `chmod go-w \(directory)/sub`.")
            chmod("\(directory)/sub", 0o755)
            chown("\(directory)/sub", 4711, 0)
            #expect(refusal(path)?.message.contains("\(directory)/sub belongs to the user 4711") == true)
        }
    }

    @Test func `with the sticky bit a directory of all may be on the way, and not at the end`() throws {
        try withDirectory { directory in
            mkdir("\(directory)/shared", 0o755)
            chmod("\(directory)/shared", 0o1777)
            try write("\(directory)/shared/file")
            #expect(refusal("\(directory)/shared/file") == nil)
            #expect(refusal("\(directory)/shared")?.message.contains("is writable for everybody (mode 01777)") == true)
        }
    }

    @Test func `a link of root to a file of root is followed; one of another user is refused, and so is what it hides`()
        throws
    {
        try withDirectory { directory in
            mkdir("\(directory)/real", 0o755)
            try write("\(directory)/real/file")
            symlink("real", "\(directory)/link")
            symlink("\(directory)/link/file", "\(directory)/config.yaml")
            #expect(refusal("\(directory)/config.yaml") == nil)
            chmod("\(directory)/real/file", 0o666)
            #expect(refusal("\(directory)/config.yaml")?.advice == "Run `chmod go-w \(directory)/real/file`.")
            chmod("\(directory)/real/file", 0o600)
            lchown("\(directory)/link", 4711, 0)
            #expect(refusal("\(directory)/config.yaml")?.message.contains("\(directory)/link belongs to") == true)
        }
    }

    @Test func `what is missing, and a circle of links, are for whoever opens it to report`() throws {
        try withDirectory { directory in
            symlink("b", "\(directory)/a")
            symlink("a", "\(directory)/b")
            #expect(refusal("\(directory)/missing/file") == nil)
            #expect(refusal("\(directory)/a") == nil)
        }
    }
}

@Suite struct HostDirectoryTests {
    @Test func `nothing below a directory is found through a link`() throws {
        var template = Array("/tmp/watcher-trust-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: "\(directory)/tree/data", withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: "\(directory)/tree/data/file"))
        symlink("/etc", "\(directory)/tree/data/etc")
        symlink("file", "\(directory)/tree/data/near")
        let found = ["", "data", "data/file", "data/etc", "data/etc/passwd", "data/near", "data/none", "../x"].map {
            HostDirectory.find($0, below: "\(directory)/tree")
        }
        #expect(
            found == [
                .directory, .directory, .file, .link("data/etc"), .link("data/etc"), .link("data/near"), .nothing,
                .nothing,
            ])
        #expect(HostDirectory.find("x", below: "\(directory)/none") == .nothing)
    }

    @Test func `a path is resolved as far as it exists`() throws {
        var template = Array("/tmp/watcher-trust-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        mkdir("\(directory)/real", 0o755)
        symlink("\(directory)/real", "\(directory)/link")
        symlink("nowhere", "\(directory)/dangling")
        #expect(HostDirectory.resolved("\(directory)/link/a/b") == "\(directory)/real/a/b")
        #expect(HostDirectory.resolved("\(directory)/link/../link") == "\(directory)/real")
        #expect(HostDirectory.resolved("\(directory)/dangling/x") == "\(directory)/nowhere/x")
        #expect(HostDirectory.resolved("/proc/1/root") == "/")
        // Whoever mounts it has a working directory of its own.
        #expect(HostDirectory.resolved("/proc/self/cwd/x") == "/")
        #expect(HostDirectory.resolved("/proc/self/task/1/root/etc") == "/etc")
        #expect(HostDirectory.resolved("/") == "/")
    }
}

@Suite struct HostKeyTests {
    private let line =
        "host.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS comment"

    @Test func `a line of known_hosts is read as ssh-keygen does`() throws {
        let key = try #require(HostKey(knownHostsLine: line))
        #expect(key.description == "ED25519 key SHA256:qH8baHrA5X0qCBovKCZyM02Q7TFtK4GMqVgOo4TZJAE")
        #expect(key.serverFile == "/etc/ssh/ssh_host_ed25519_key.pub")
        #expect(key.line.hasSuffix("PnAS"))
        #expect(HostKey(knownHostsLine: "@cert-authority " + line)?.line == key.line)
        for text in ["", "# host ssh-rsa AAAA", "host ssh-rsa", "host ssh-rsa ???"] {
            #expect(HostKey(knownHostsLine: text) == nil, "\(text)")
        }
    }

    @Test func `the advice is to compare first and to write then`() throws {
        var finding = HostKeyFinding(host: "host.example", port: nil, knownHosts: "/etc/watcher/known_hosts")
        finding.shown = HostKey(knownHostsLine: line)
        let advice = finding.unknown.advice
        let (compare, write) = (advice.firstRange(of: "compare"), advice.firstRange(of: "add this line"))
        #expect(try #require(compare).lowerBound < #require(write).lowerBound)
        #expect(advice.hasSuffix("to /etc/watcher/known_hosts:\n\(finding.shown?.line ?? "")"))
        #expect(!finding.changed.advice.contains(">>"))
    }
}

@Suite struct StrictSSHTests {
    @Test func `a command that brings host keys is a weakness where a file of them is configured`() {
        let strict = """
            stricthostkeychecking true
            nohostauthenticationforlocalhost no
            verifyhostkeydns false
            userknownhostsfile /k
            globalknownhostsfile /dev/null
            """
        #expect(StrictSSH.weaknesses(inConfiguration: strict, knownHosts: "/k") == [])
        #expect(
            StrictSSH.weaknesses(inConfiguration: strict + "\nknownhostscommand /bin/cat kh2", knownHosts: "/k")
                == ["knownhostscommand /bin/cat kh2"])
    }
}
