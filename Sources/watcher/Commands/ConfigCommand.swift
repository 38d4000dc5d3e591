internal import ArgumentParser
internal import Compose
internal import Deploy
internal import Foundation

/// The canonical Compose model, as docker compose prints it; needs neither configuration nor engine.
struct ConfigCommand: AsyncParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument { case yaml, json, text }

    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Validate Compose files and print the canonical model.",
        discussion: ExitStatus.help(
            [.success, .usage, .invalidProject], example: "watcher config -f compose.yaml --hash"))

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

    @Flag(help: "Print the config hash of each service instead.") var hash = false
    @Flag(help: "Print the services' names instead.") var services = false
    @Flag(help: "Print the volumes' names instead.") var volumes = false
    @Flag(help: "Print the networks' names instead.") var networks = false
    @Flag(help: "Print the services' images instead.") var images = false
    @Flag(name: .customLong("profiles"), help: "Print the profiles' names instead.") var listsProfiles = false
    @Flag(help: "Leave ${...} as it is.") var noInterpolate = false
    @Flag(name: .shortAndLong, help: "Only validate.") var quiet = false
    @Option(help: "yaml (also text) or json.") var format: Format = .yaml

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let terminal = Terminal(color: .auto, environment: environment)
        let files = FileAccess.disk()
        do {
            let result = try ProjectLoader(files: files).load(request(environment))
            for warning in result.warnings {
                terminal.message("watcher: warning: \(warning.description.printable)", priority: 4)
            }
            if quiet {
                _ = try result.project.resolvingEnvironment(files: files)
                return
            }
            terminal.output(try text(result.project, files))
        } catch let error as ComposeError {
            for problem in error.problems { terminal.message("watcher: \(problem.description.printable)", priority: 3) }
            throw ExitError(status: .invalidProject)
        }
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
        if hash { return lines(ProjectRendering.hashes(project).map { "\($0.service) \($0.hash)" }) }
        if services { return lines(ProjectRendering.services(project)) }
        if volumes { return lines(ProjectRendering.volumes(project)) }
        if networks { return lines(ProjectRendering.networks(project)) }
        if images { return lines(ProjectRendering.images(project)) }
        if listsProfiles { return lines(ProjectRendering.profiles(project)) }
        let resolved = try project.resolvingEnvironment(files: files)
        return format == .json ? ProjectRendering.json(resolved) : ProjectRendering.yaml(resolved)
    }
}
