import NIOSSL
import Reconcile

extension EngineEndpoint.TLSMaterial {
    /// Throws `EngineError` when a file cannot be read or does not hold what it should.
    func configuration(for endpoint: EngineEndpoint) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authority {
            configuration.trustRoots = .certificates(try read(authority, endpoint, NIOSSLCertificate.fromPEMFile))
        }
        if let certificate {
            configuration.certificateChain = try read(certificate, endpoint, NIOSSLCertificate.fromPEMFile)
                .map { .certificate($0) }
        }
        if let key {
            configuration.privateKey = .privateKey(
                try read(key, endpoint) { try NIOSSLPrivateKey(file: $0, format: .pem) })
        }
        return configuration
    }

    private func read<Value>(
        _ path: String, _ endpoint: EngineEndpoint, _ load: (String) throws -> Value
    ) throws -> Value {
        do {
            return try load(path)
        } catch {
            throw EngineError(
                .invalidConfiguration, operation: "use TLS with the engine at \(endpoint)",
                detail: "\(path) cannot be read as PEM: \(error)", advice: "Check engine.tls: ca, cert and key.")
        }
    }
}
