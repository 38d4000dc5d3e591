internal import Deploy
internal import Git

/// What a run does for each of its projects: a value, so that it can be handed to another process.
enum ProjectTask: Sendable, Codable {
    case check(DeployRequest)
    case deploy(DeployRequest)

    func run(_ deployer: Deployer) async -> RunResult {
        switch self {
        case .check(let request): await deployer.check(request)
        case .deploy(let request): await deployer.deploy(request)
        }
    }
}

/// What the process of one project is started for: the first line it reads.
///
/// It holds the configuration's text, which may have come from a pipe, or may have changed on disk since.
struct ProjectOrder: Sendable, Codable {
    var command: String
    var changesThings: Bool
    var task: ProjectTask
    var project: String
    var configurationFile: String
    var configuration: String
    var stateDirectory: String
}

/// What the process of one project is told afterwards. When nothing more can come, it ends the run in order.
enum ProjectInstruction: Sendable, Codable {
    /// The answer to `ProjectReport.fetch`.
    case fetched(GitNetworkAnswer)
    case interrupt
}

/// What the process of one project says, each in a line of JSON; the result is the last.
enum ProjectReport: Sendable, Codable {
    case event(Event)
    case warning(String)
    /// The run needs the tip. The process that runs all projects fetches, once for all projects of the repository.
    case fetch
    case result(RunResult)
}
