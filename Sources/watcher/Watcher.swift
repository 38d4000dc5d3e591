@main
struct Watcher {
    static func main() {}
}
