internal import ArgumentParser
internal import Compose
internal import Deploy
internal import Foundation
internal import Reconcile

/// The canonical Compose model, as docker compose prints it; needs neither configuration nor engine.
struct ConfigCommand: ParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument { case yaml, json, text }

    /// What is printed instead of the model.
    enum Listing: String, CaseIterable, EnumerableFlag {
        case hash, services, volumes, networks, images, profiles, environment

        static func help(for value: Listing) -> ArgumentHelp? {
            switch value {
            case .hash: "Print the config hash of each service instead."
            case .services: "Print the services' names instead."
            case .volumes: "Print the volumes' names instead."
            case .networks: "Print the networks' names instead."
            case .images: "Print the services' images instead."
            case .profiles: "Print the profiles' names instead."
            case .environment: "Print the variables that interpolation used instead."
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "config",
        _superCommandName: Watcher.name,
        abstract: "Validate Compose files and print the canonical model.",
        usage: "watcher config [-f <file> ...] [<options>] [<service> ...]",
        discussion: ExitStatus.help(
            [.success, .usage, .invalidProject, .refused, .invalidConfiguration],
            example: "watcher config -f compose.yaml --hash web"))

    @Argument(
        help: ArgumentHelp(
            "Only these services and what they depend on; with --hash only these.", valueName: "service"))
    var services: [String] = []

    @Option(name: [.customShort("f"), .customLong("file")], help: "Compose files in merge order; - is standard input.")
    var files: [String] = []

    @Option(help: ArgumentHelp("The base of relative paths.", valueName: "dir"))
    var projectDirectory: String?

    @Option(name: [.customShort("p"), .customLong("project-name")], help: "The project's name.")
    var projectName: String?

    @Option(name: .customLong("profile"), help: "An active profile; repeatable.")
    var profiles: [String] = []

    @Option(name: .customLong("env-file"), help: "An interpolation env file; repeatable.")
    var envFiles: [String] = []

    @Option(
        help: ArgumentHelp(
            "Refuse files that this policy denies: a file with the keys of a policy, or a configuration.",
            valueName: "file"))
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "Refuse files that the policy of this project of the configuration denies.", valueName: "project"))
    var policyOf: String?

    @Flag(exclusivity: .exclusive) var listing: Listing?
    @Flag(help: "Leave ${...} as it is.") var noInterpolate = false
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
    var output: String?
    @Option(help: "How to print the model: yaml (also called text) or json.") var format: Format = .yaml
    @OptionGroup var options: CommonOptions

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let terminal = Terminal(color: options.color, environment: environment)
        let files = FileAccess.disk()
        let text: String
        do {
            let (loader, request) = (ProjectLoader(files: files), request(environment))
            if noInterpolate, listing == nil {
                let model = try loader.loadUninterpolated(request)
                warn(model.warnings, on: terminal)
                text = format == .json ? ProjectRendering.json(model) : ProjectRendering.yaml(model)
            } else {
                let result = try loader.load(request)
                warn(result.warnings, on: terminal)
                let project = try result.project.selecting(selection)
                try judge(result, project, environment, terminal)
                text = try self.text(project, files)
            }
        } catch let error as ComposeError {
            throw InvalidCompose(message: error.description)
        } catch let error as FileAccessError {
            throw InvalidCompose(message: error.description)
        }
        if options.quiet { return }
        guard let output else { return terminal.output(text) }
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: output))
        } catch {
            throw DeployError(
                stage: .load, reason: .permissions, message: "\(output) cannot be written: \(error.cause)",
                advice: "Choose another file with --output.")
        }
    }

    private func judge(
        _ result: ProjectLoader.Result, _ project: Project, _ environment: [String: String], _ terminal: Terminal
    ) throws {
        guard policy != nil || policyOf != nil else { return }
        let file = policy ?? options.config ?? environment["WATCHER_CONFIG"] ?? "/etc/watcher/config.yaml"
        let judgement = ConfigPolicy(
            file: URL(fileURLWithPath: file).standardizedFileURL.path, project: policyOf, environment: environment)
        for note in try judgement.judge(result, project) {
            terminal.message("watcher: note: \(note.printable)", priority: 5)
        }
    }

    func validate() throws {
        if policy != nil || policyOf != nil, noInterpolate {
            throw ValidationError("A policy judges values: leave --no-interpolate out.")
        }
    }

    private func warn(_ problems: [ComposeError.Problem], on terminal: Terminal) {
        for problem in problems {
            terminal.message("watcher: warning: \(problem.description.printable)", priority: 4)
        }
    }

    /// The named services; `*`, and with `--hash` a list with commas, are understood as docker compose does.
    private var selection: [String] {
        guard listing == .hash else { return services }
        let names = services.flatMap { $0.split(separator: ",").map(String.init) }
        return names.contains("*") ? [] : names
    }

    private func request(_ environment: [String: String]) -> ProjectLoader.Request {
        let here = FileManager.default.currentDirectoryPath
        var request = ProjectLoader.Request(workingDirectory: here)
        request.files = files
        request.projectDirectory = projectDirectory.map { path in
            URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: here, isDirectory: true)).standardizedFileURL
                .path
        }
        request.projectName = projectName
        request.profiles = profiles
        request.envFiles = envFiles
        request.environment = environment
        if environment["PWD"] == nil { request.environment["PWD"] = here }
        request.interpolates = !noInterpolate
        request.home = environment["HOME"]
        if files.contains("-") {
            request.standardInput = (try? FileHandle.standardInput.read(upToCount: 9 << 20)).map { Array($0) } ?? []
        }
        return request
    }

    private func text(_ project: Project, _ files: FileAccess) throws -> String {
        func lines(_ list: [String]) -> String { list.map { "\($0)\n" }.joined() }
        switch listing {
        case .hash:
            let named = selection
            let hashes = ProjectRendering.hashes(project).filter { named.isEmpty || named.contains($0.service) }
            return lines(hashes.map { "\($0.service) \($0.hash)" })
        case .services: return lines(ProjectRendering.services(project))
        case .volumes: return lines(ProjectRendering.volumes(project))
        case .networks: return lines(ProjectRendering.networks(project))
        case .images: return lines(ProjectRendering.images(project))
        case .profiles: return lines(ProjectRendering.profiles(project))
        case .environment: return lines(project.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        case nil: break
        }
        let resolved = try project.resolvingEnvironment(files: files)
        return format == .json ? ProjectRendering.json(resolved) : ProjectRendering.yaml(resolved)
    }
}

/// Compose files that are invalid or cannot be read; every problem says where.
private struct InvalidCompose: ReasonedError {
    let reason = Reason.invalidProject
    let message: String
    let advice = ""
}
