import FoundationEssentials
import Reconcile
import Subprocess
import SystemPackage
import Testing

@testable import DockerEngine

/// Against OpenSSL's own server, which answers as an engine would and wants to see a certificate.
@Suite(.timeLimit(.minutes(15))) struct EngineTLSTests {
    private func openssl(_ arguments: [String], in directory: String) async throws {
        let result = try await Subprocess.run(
            .name("openssl"), arguments: Arguments(arguments), workingDirectory: FilePath(directory),
            output: .discarded, error: .string(limit: 1 << 16))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
    }

    private func makeCertificate(_ name: String, in directory: String) async throws {
        try await openssl(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", "\(name).key", "-out", "\(name).pem", "-subj", "/CN=\(name)",
                "-addext", "subjectAltName=IP:127.0.0.1",
            ], in: directory)
    }

    private func answer(_ body: String) -> Data {
        Data("HTTP/1.1 200 OK\r\nApi-Version: 1.47\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }

    @Test func `an engine with TLS is believed by its authority and shown our certificate`() async throws {
        let directory = "/tmp/watcher-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory + "/v1.47", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for name in ["engine", "me", "stranger"] { try await makeCertificate(name, in: directory) }
        try answer("OK").write(to: URL(filePath: directory + "/_ping"))
        try answer(#"{"Version": "27.5", "Os": "linux", "Arch": "arm64"}"#)
            .write(to: URL(filePath: directory + "/v1.47/version"))
        _ = try await Subprocess.run(
            .name("openssl"),
            arguments: [
                "s_server", "-accept", "127.0.0.1:0", "-HTTP", "-cert", "engine.pem", "-key", "engine.key", "-CAfile",
                "me.pem", "-Verify", "1", "-verify_return_error",
            ], workingDirectory: FilePath(directory), input: .none, output: .sequence, error: .discarded
        ) { server in
            for try await line in server.standardOutput.strings() where line.hasPrefix("ACCEPT ") {
                let address = line.dropFirst("ACCEPT ".count).filter { !$0.isWhitespace }
                try await check("tcp://\(address)", directory)
                break
            }
            await server.teardown(using: [])
        }
    }

    private func check(_ host: String, _ directory: String) async throws {
        func info(authority: String, certificate: String?) async throws -> EngineInfo {
            let tls = EngineEndpoint.TLSMaterial(
                authority: "\(directory)/\(authority).pem", certificate: certificate.map { "\(directory)/\($0).pem" },
                key: certificate.map { "\(directory)/\($0).key" })
            let client = EngineClient(endpoint: try EngineEndpoint(host, tls: tls), dockerConfigDirectory: nil)
            let result = await Task { try await client.info() }.result
            await client.shutdown()
            return try result.get()
        }
        let good = try await info(authority: "engine", certificate: "me")
        #expect(good.version == "27.5" && good.spokenVersion == "1.47" && good.platform == "linux/arm64")
        for (authority, certificate) in [("stranger", "me"), ("engine", "stranger"), ("engine", nil)] {
            let error = try await #require(throws: EngineError.self) {
                _ = try await info(authority: authority, certificate: certificate)
            }
            #expect(error.reason == .engineUnreachable && error.message.contains(host), "\(error)")
        }
    }
}
