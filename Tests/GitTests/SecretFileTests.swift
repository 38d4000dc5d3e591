import Reconcile
import Testing

@testable import Git

@Suite struct SecretFileTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: [0o600, 0o400, 0o700])
    func `a file that is ours alone is read without its line ends`(mode: UInt32) throws {
        let path = try sandbox.write("s3cret \r\n\n", to: "secret", mode: mode)
        #expect(try SecretFile.read(path, called: "secret", environment: [:]) == "s3cret ")
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o666, 0o444])
    func `a file that others may read or write is refused`(mode: UInt32) throws {
        let path = try sandbox.write("s3cret", to: "secret", mode: mode)
        let error = #expect(throws: GitError.self) { try SecretFile.check(path, called: "secret", environment: [:]) }
        #expect(error?.reason == .permissions)
        #expect(error?.advice == "Run: chmod 600 \(path)")
    }

    @Test func `a systemd credential may show group permission, but not elsewhere and not to all`() throws {
        let environment = ["CREDENTIALS_DIRECTORY": "\(sandbox.path)/credentials"]
        let path = try sandbox.write("s3cret", to: "credentials/token", mode: 0o440)
        #expect(try SecretFile.read(path, called: "token", environment: environment) == "s3cret")
        let open = try sandbox.write("s3cret", to: "credentials/open", mode: 0o444)
        #expect(throws: GitError.self) { try SecretFile.check(open, called: "token", environment: environment) }
        let beside = try sandbox.write("s3cret", to: "credentials-other/token", mode: 0o440)
        #expect(throws: GitError.self) { try SecretFile.check(beside, called: "token", environment: environment) }
    }

    @Test func `a secret of several lines is refused`() throws {
        let path = try sandbox.write("one\ntwo\n", to: "secret", mode: 0o600)
        let error = #expect(throws: GitError.self) { try SecretFile.read(path, called: "secret", environment: [:]) }
        #expect(error?.reason == .invalidConfiguration)
    }
}
