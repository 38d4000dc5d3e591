internal import Compose
internal import Deploy
internal import Foundation
internal import Reconcile

/// The judgement of a policy on Compose files where no engine is asked: in a pipeline, before they are merged.
struct ConfigPolicy {
    /// A policy, or a configuration.
    let file: String
    /// The project of the configuration.
    let project: String?
    let environment: [String: String]

    /// - Returns: what could not be judged here, a sentence each.
    /// - Throws: `DeniedByPolicy` with every violation; `ConfigurationError`.
    func judge(_ result: ProjectLoader.Result, _ project: Project) throws -> [String] {
        let reader = ConfigurationReader(file: file, environment: environment)
        let policies = try reader.readPolicies(project: self.project)
        let facts = PolicyFacts(checkout: repository(of: project.workingDirectory))
        let violations = result.placing(policies.violations(of: project, facts))
        guard violations.isEmpty else {
            throw DeniedByPolicy(message: ComposeError(violations.inOrderOfPlace).description)
        }
        var notes: [String] = []
        let skipped = [
            ("minimum_image_age", policies.contains { $0.minimumImageAge != nil }),
            ("cosign", policies.contains { $0.cosign != nil }),
        ].filter(\.1).map { "`\($0.0)`" }
        if !skipped.isEmpty {
            notes.append("not judged without an engine: \(skipped.joined(separator: " and "))")
        }
        if policies.contains(where: { $0.bindSources != nil }) {
            notes.append(
                "`bind_sources` was judged by paths as they are written; a deploy follows the host's links and looks at "
                    + "volumes that exist, too")
        }
        if policies.contains(where: { $0.external != nil }) {
            notes.append(
                "`external` was judged by what the files say; a deploy looks at who made what exists, too")
        }
        return notes
    }

    /// The repository that a directory is in, as a stand-in for the checkout: the project's own files are always allowed.
    private func repository(of directory: String) -> String {
        var place = CleanPath.cleaned(directory)
        while !FileManager.default.fileExists(atPath: "\(place)/.git") {
            guard place != "/", let slash = place.lastIndex(of: "/") else { return directory }
            place = slash == place.startIndex ? "/" : String(place[..<slash])
        }
        return place
    }
}

/// Compose files that ask for more than a policy allows.
struct DeniedByPolicy: ReasonedError {
    let reason = Reason.policy
    let message: String
    let advice = "Change the files, or the policy."
}
