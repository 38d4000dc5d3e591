import Glibc
import Reconcile
import Testing

@testable import Git

@Suite struct SecretSourceTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    private func error(_ source: SecretSource, _ environment: [String: String] = [:]) -> GitError? {
        #expect(throws: GitError.self) { try source.text(for: "git.password", environment: environment) }
    }

    @Test(arguments: [0o600, 0o400, 0o700])
    func `a file that is ours alone is read without its line ends`(mode: UInt32) throws {
        let path = try sandbox.write("s3cret \r\n\n", to: "secret", mode: mode)
        #expect(try SecretSource.file(path).text(for: "git.password", environment: [:]) == "s3cret ")
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o666, 0o444])
    func `a file that others may read or write is refused`(mode: UInt32) throws {
        let path = try sandbox.write("s3cret", to: "secret", mode: mode)
        let refusal = error(.file(path))
        #expect(refusal?.reason == .permissions)
        #expect(refusal?.message == "git.password: \(path) can be read by others (mode 0\(String(mode, radix: 8)))")
        #expect(refusal?.advice == "Run `chmod 600 \(path)`.")
    }

    @Test func `a systemd credential may show group permission, but not elsewhere and not to all`() throws {
        let environment = ["CREDENTIALS_DIRECTORY": "\(sandbox.path)/credentials"]
        let path = try sandbox.write("s3cret", to: "credentials/token", mode: 0o440)
        for source in [SecretSource.credential("token"), .file(path)] {
            #expect(try source.text(for: "git.password", environment: environment) == "s3cret")
        }
        let open = try sandbox.write("s3cret", to: "credentials/open", mode: 0o444)
        #expect(error(.file(open), environment)?.reason == .permissions)
        #expect(error(.credential("open"), environment)?.reason == .permissions)
        let beside = try sandbox.write("s3cret", to: "credentials-other/token", mode: 0o440)
        #expect(error(.file(beside), environment)?.reason == .permissions)
    }

    @Test func `without systemd a credential says what would provide it`() throws {
        let missing = error(.credential("git-token"))
        #expect(missing?.reason == .invalidConfiguration)
        #expect(
            missing?.message.hasPrefix(
                "git.password: only systemd provides the credential \"git-token\" (LoadCredential=git-token in "
                    + "watcher.service)") == true)
        #expect(
            missing?.advice == "Run `systemctl start watcher.service`, or write {file: PATH} in the configuration.")
        let unknown = error(.credential("git-token"), ["CREDENTIALS_DIRECTORY": sandbox.path])
        #expect(unknown?.reason == .invalidConfiguration)
        #expect(unknown?.advice.contains("LoadCredential=git-token:PATH") == true)
    }

    @Test func `a file of another user, or in a directory that others can write, is refused`() throws {
        let path = try sandbox.write("s3cret", to: "dir/secret", mode: 0o600)
        chown(path, 4711, 0)
        #expect(error(.file(path))?.reason == .permissions)
        #expect(error(.file(path))?.advice.contains("`chown root \(path)`") == true)
        chown(path, 0, 0)
        #expect(throws: Never.self) { try SecretSource.file(path).text(for: "git.password", environment: [:]) }
        chmod("\(sandbox.path)/dir", 0o777)
        #expect(error(.file(path))?.advice == "Run `chmod go-w \(sandbox.path)/dir`.")
    }

    @Test func `a credential does not leave its directory`() throws {
        _ = try sandbox.write("s3cret", to: "x", mode: 0o600)
        _ = try sandbox.write("s3cret", to: "credentials/token", mode: 0o400)
        symlink("../x", "\(sandbox.path)/credentials/link")
        let environment = ["CREDENTIALS_DIRECTORY": "\(sandbox.path)/credentials"]
        for name in ["../x", "..", ".", "", "/etc/hostname", "a/b"] {
            #expect(error(.credential(name), environment)?.reason == .invalidConfiguration, "\(name)")
        }
        #expect(error(.credential("link"), environment)?.reason == .permissions)
        chmod("\(sandbox.path)/x", 0o640)
        let outside = SecretSource.file("\(sandbox.path)/credentials/../x")
        #expect(
            error(outside, environment)?.reason == .permissions, "only systemd's own files may show group permission")
    }

    @Test func `a file that is missing, a directory, or has several lines is refused`() throws {
        let path = try sandbox.write("one\ntwo\n", to: "secret", mode: 0o600)
        #expect(error(.file(path))?.reason == .invalidConfiguration)
        #expect(error(.file("/"))?.message == "git.password: / is not a file")
        #expect(
            error(.file("/nonexistent/key"))?.message
                == "git.password: /nonexistent/key cannot be read: No such file or directory")
    }
}
