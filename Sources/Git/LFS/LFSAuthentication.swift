import FoundationEssentials
import Reconcile

/// Asks the server over ssh for the address of the LFS API and for what requests to it carry: `git-lfs-authenticate`.
struct LFSAuthentication {
    struct Grant: Decodable {
        var href: String
        var header: [String: String]

        private enum CodingKeys: String, CodingKey { case href, header }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            href = try container.decode(String.self, forKey: .href)
            header = try container.decodeIfPresent([String: String].self, forKey: .header) ?? [:]
        }
    }

    let request: GitNetworkRequest
    let url: GitRemoteURL
    let environment: [String: String]

    func run() throws -> Grant {
        let command = try SSHCommand(
            to: url, sshKey: request.sshKey, knownHosts: request.knownHosts, isAnonymous: request.isAnonymous,
            remoteCommand: "git-lfs-authenticate \(SSHCommand.shellQuoted(url.path)) download",
            environment: environment)
        try command.checkStrictness(knownHosts: request.knownHosts, environment: environment)
        let process = try SSHProcess(command, environment: environment)
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        while text.count < 1 << 16 {
            let count = buffer.count
            let got = try buffer.withUnsafeMutableBytes { bytes in
                try bytes.baseAddress.map { try process.read(into: $0, count: count) } ?? 0
            }
            if got == 0 { break }
            text += buffer[..<got]
        }
        let status = process.end()
        if status == 0, let grant = try? JSONDecoder().decode(Grant.self, from: Data(text)) { return grant }
        if let error = NetworkFailure(url: url, request: request, ssh: command, environment: environment).error(
            sshSaid: process.said, status: status),
            [.authenticationFailed, .hostKeyUnknown, .hostKeyChanged, .permissions].contains(error.reason)
        {
            throw error
        }
        // What the server printed may hold a token, so none of it is shown.
        throw GitError(
            .remoteUnreachable,
            "\(url.host) does not say where the contents are that \(url) keeps in Git LFS: git-lfs-authenticate ended with "
                + "status \(status >> 8)",
            advice: "Name the address in `lfs.url` of .lfsconfig, or set git.lfs to false.")
    }
}
