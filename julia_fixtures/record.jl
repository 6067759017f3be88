# Answer the cases with the running Julia, as README.md beside this file says:
#
#     julia julia_fixtures/record.jl [--to FOLDER] [DOMAIN...]
#
# writes FOLDER/DOMAIN.toml, for FOLDER julia_fixtures/julia-VERSION unless given, for all
# domains that this Julia has unless some are named. Run it as root, with umask 022, on
# Linux, so that modes are those of the other recordings.

module Recording

include(joinpath(@__DIR__, "..", "src", "fetch_artifacts", "conformance", "oracle.jl"))

import Base64, Dates, Pkg, SHA
using .FetchArtifactsOracle: Artifacts, TOML, SHA1, platform, parse_platform, tree_hash

const Oracle = FetchArtifactsOracle
const HAS_TAR = isdefined(Oracle, :Tar)
const HERE = @__DIR__

hex(hash) = bytes2hex(hash)
hex(hash::SHA1) = bytes2hex(hash.bytes)
octal(mode) = string(mode & 0o7777; base = 8)
failure(exception) = Dict{String,Any}(
    "ok" => false,
    "error" => string(nameof(typeof(exception))),
    "message" => String(first(split(sprint(showerror, exception), '\n'))),
)

"What work gives, merged into `ok = true`; or how it failed."
function attempt(work)
    try
        value = work()
        answer = value isa Dict ? value : Dict("value" => value === nothing ? "" : value)
        return merge(Dict{String,Any}("ok" => true), answer)
    catch exception
        return failure(exception)
    end
end

"The same with paths below a folder as {ROOT}."
masked(text::AbstractString, root) = replace(String(text), root => "{ROOT}")
masked(values::AbstractVector, root) = Any[masked(each, root) for each in values]
masked(table::AbstractDict, root) = Dict{String,Any}(k => masked(v, root) for (k, v) in table)
masked(value, _) = value

"Julia's depots are these while work is done, without what was overridden before."
function with_depots(work, depots...)
    Oracle.within() do
        Oracle.enter(collect(depots))
        work()
    end
end

function put(path, content)
    mkpath(dirname(path))
    write(path, content)
    return path
end

function listing(folder)
    lines = String[]
    for (place, folders, files) in walkdir(folder), name in [folders; files]
        path = joinpath(place, name)
        tail = relpath(path, folder)
        push!(lines, if islink(path)
            "l $tail -> $(readlink(path))"
        elseif isdir(path)
            "d $(octal(lstat(path).mode)) $tail"
        else
            "f $(octal(lstat(path).mode)) $tail $(hex(open(SHA.sha256, path)))"
        end)
    end
    return sort!(lines)
end

triplet(case, _) = (p = parse_platform(case["s"]); Dict("triplet" => Oracle.triplet(p), "tags" => Oracle.tags(p)))

function match(case, _)
    a, b = parse_platform(case["a"]), parse_platform(case["b"])
    return Dict(
        "plain" => Oracle.platforms_match(a, b),
        "host" => Oracle.platforms_match(a, Oracle.HostPlatform(b)),
        "equal" => a == b,
    )
end

function select(case, _)
    have = Dict(parse_platform(each) => each for each in case["have"])
    want = parse_platform(case["want"])
    chosen(platform) = something(Oracle.select_platform(have, platform), "")
    return Dict("plain" => chosen(want), "host" => chosen(Oracle.HostPlatform(want)))
end

function meta(case, root)
    toml = put(joinpath(root, "Artifacts.toml"), case["toml"])
    name = case["name"]
    wanted = Oracle.HostPlatform(parse_platform(case["platform"]))
    downloadable(lazy) = sort!(collect(keys(
        Artifacts.select_downloadable_artifacts(toml; platform = wanted, include_lazy = lazy)
    )))
    found = () -> begin
        entry = Pkg.Artifacts.artifact_meta(name, toml; platform = wanted)
        entry === nothing ? "" : string(entry["git-tree-sha1"])
    end
    hash = () -> begin
        entry = Pkg.Artifacts.artifact_hash(name, toml; platform = wanted)
        entry === nothing ? "" : hex(entry)
    end
    return Dict(
        "meta" => attempt(found),
        "hash" => attempt(hash),
        "downloadable" => attempt(() -> downloadable(false)),
        "with_lazy" => attempt(() -> downloadable(true)),
    )
end

function order(case, root)
    toml = put(joinpath(root, "Artifacts.toml"), case["toml"])
    elements = Artifacts.load_artifacts_toml(toml)[case["name"]]
    platforms = [Artifacts.unpack_platform(each, case["name"], toml) for each in elements]
    want = parse_platform(case["platform"])
    chosen(platform) = begin
        entry = Pkg.Artifacts.artifact_meta(case["name"], toml; platform = platform)
        entry === nothing ? "" : entry["git-tree-sha1"]
    end
    return Dict(
        "triplets" => map(Oracle.triplet, platforms),
        "want" => Oracle.triplet(want),
        "plain" => chosen(want),
        "host" => chosen(Oracle.HostPlatform(want)),
    )
end

function parse_toml(case, _)
    table = TOML.parse(String(Base64.base64decode(case["data"])))
    return Dict("printed" => Base64.base64encode(Oracle.sorted_toml(table)))
end

print_toml(case, _) = Dict("sorted" => Oracle.sorted_toml(TOML.parse(case["toml"])))

function bind(case, root)
    toml = joinpath(root, "Artifacts.toml")
    isempty(case["start"]) || put(toml, case["start"])
    step(op) = begin
        name = op["name"]
        chosen = isempty(op["platform"]) ? nothing : parse_platform(op["platform"])
        if op["op"] == "unbind"
            Pkg.Artifacts.unbind_artifact!(toml, name; platform = chosen)
        else
            sources = [(each["url"], each["sha256"]) for each in op["download"]]
            Pkg.Artifacts.bind_artifact!(
                toml, name, SHA1(op["hash"]);
                platform = chosen, download_info = isempty(sources) ? nothing : sources,
                lazy = op["lazy"], force = op["force"],
            )
        end
        nothing
    end
    steps = with_depots(joinpath(root, "depot")) do
        [attempt(() -> step(op)) for op in case["ops"]]
    end
    return Dict("steps" => steps, "text" => isfile(toml) ? read(toml, String) : "")
end

function make_entry(root, entry)
    path = joinpath(root, entry["path"])
    if entry["kind"] == "dir"
        mkpath(path)
    elseif entry["kind"] == "symlink"
        mkpath(dirname(path))
        symlink(entry["target"], path)
    else
        put(path, Base64.base64decode(entry["data"]))
        chmod(path, entry["mode"])
    end
end

function tree(case, root)
    folder = mkpath(joinpath(root, "tree"))
    foreach(entry -> make_entry(folder, entry), case["entry"])
    answer = Dict{String,Any}("git_tools" => hex(tree_hash(folder)))
    HAS_TAR || return answer
    answer["git_tools_sha256"] = hex(Oracle.sha256_tree_hash(folder))
    archive(portable) = Oracle.Tar.create(folder, joinpath(root, "$portable.tar"); portable = portable)
    answer["tar"] = attempt() do
        tarball = archive(false)
        Dict(
            "bytes" => filesize(tarball),
            "sha256" => hex(open(SHA.sha256, tarball)),
            "tree_hash" => Oracle.Tar.tree_hash(tarball),
            "tree_hash_skip_empty" => Oracle.Tar.tree_hash(tarball; skip_empty = true),
        )
    end
    answer["tar_portable"] = attempt(() -> hex(open(SHA.sha256, archive(true))))
    return answer
end

function tar(case, root)
    tarball = put(joinpath(root, "case.tar"), Base64.base64decode(case["data"]))
    extract() = begin
        folder = Oracle.Tar.extract(tarball, joinpath(root, "extracted"))
        Dict("tree" => hex(tree_hash(folder)), "listing" => listing(folder))
    end
    return Dict(
        "extract" => attempt(extract),
        "tree_hash" => attempt(() -> Oracle.Tar.tree_hash(tarball)),
        "tree_hash_skip_empty" => attempt(() -> Oracle.Tar.tree_hash(tarball; skip_empty = true)),
    )
end

umask(mask) = ccall(:umask, Cuint, (Cuint,), mask)

function install(case, root)
    content = Base64.base64decode(case["tar"])
    hash = try
        Oracle.Tar.tree_hash(IOBuffer(content); skip_empty = true)
    catch
        "1"^40
    end
    # What follows the name in a URL is no part of a file's name.
    source = put(joinpath(root, "www", first(split(case["suffix"], '?'))), Base64.base64decode(case["data"]))
    artifacts = joinpath(root, "depot", "artifacts")
    before = umask(case["umask"])
    done = try
        mkpath(artifacts)
        case["setgid"] && chmod(artifacts, filemode(artifacts) & 0o7777 | 0o2000)
        with_depots(joinpath(root, "depot")) do
            Pkg.Artifacts.download_artifact(SHA1(hash), "file://" * source; quiet_download = true) === true
        end
    catch
        false
    finally
        umask(before)
    end
    tree = joinpath(artifacts, hash)
    return Dict(
        "hash" => hash,
        "installed" => done,
        "root_mode" => done ? octal(lstat(tree).mode) : "",
        "listing" => done ? listing(tree) : String[],
        "left" => sort!(readdir(artifacts)),
    )
end

function override(case, root)
    depots = [joinpath(root, "depot$number") for number in 1:length(case["depots"])]
    for (depot, text, trees) in zip(depots, case["depots"], case["installed"])
        put(joinpath(depot, "artifacts", "Overrides.toml"), replace(text, "{ROOT}" => root))
        foreach(tree -> mkpath(joinpath(depot, "artifacts", tree)), trees)
    end
    toml = put(joinpath(root, "Artifacts.toml"), case["toml"])
    load() = (Artifacts.load_overrides(; force = true); nothing)
    query(text) = begin
        hash = SHA1(text)
        Dict(
            "path" => Pkg.Artifacts.artifact_path(hash),
            "paths" => Artifacts.artifact_paths(hash),
            "plain" => Pkg.Artifacts.artifact_path(hash; honor_overrides = false),
            "exists" => Pkg.Artifacts.artifact_exists(hash),
        )
    end
    named(name) = begin
        table = Artifacts.load_artifacts_toml(toml; pkg_uuid = Base.UUID(case["uuid"]))
        hash = SHA1(table[name]["git-tree-sha1"])
        Dict("hash" => hex(hash), "path" => Pkg.Artifacts.artifact_path(hash))
    end
    return with_depots(depots...) do
        Dict(
            "load" => attempt(load),
            "query" => [attempt(() -> query(each)) for each in case["query"]],
            "named" => [attempt(() -> named(each)) for each in ("a", "b", "c")],
        )
    end
end

function slash(case, root)
    toml = put(joinpath(root, "Artifacts.toml"), case["toml"])
    table = Artifacts.load_artifacts_toml(toml)
    name, tail, hash = Artifacts.artifact_slash_lookup(case["name"], table, toml, Oracle.HostPlatform())
    return Dict("name" => name, "tail" => tail, "hash" => hex(hash))
end

function find(case, root)
    touch(joinpath(root, "Project.toml"))  # nothing above is looked at
    mkpath(joinpath(root, "r", "s", "t", "u"))
    foreach(each -> put(joinpath(root, each), ""), case["files"])
    found = Pkg.Artifacts.find_artifacts_toml(joinpath(root, case["from"]))
    return Dict("value" => something(found, ""))
end

function gc(case, root)
    depots = [joinpath(root, "depot$number") for number in 1:(case["two_depots"] ? 2 : 1)]
    for (depot, trees) in zip(depots, case["installed"])
        mkpath(joinpath(depot, "artifacts"))
        foreach(tree -> put(joinpath(depot, "artifacts", tree, "file"), "x"), trees)
    end
    rooted(text) = replace(text, "{ROOT}" => root)
    first_artifacts = joinpath(depots[1], "artifacts")
    foreach(each -> mkpath(joinpath(first_artifacts, each)), case["extra_dirs"])
    foreach(each -> put(joinpath(first_artifacts, each), ""), case["extra_files"])
    isempty(case["overrides"]) || put(joinpath(first_artifacts, "Overrides.toml"), rooted(case["overrides"]))
    foreach(each -> put(joinpath(root, each["path"]), rooted(each["text"])), case["tomls"])
    log(depot) = joinpath(depot, "logs", "artifact_usage.toml")
    for (number, depot) in enumerate(depots)
        used = [joinpath(root, each["path"]) for each in case["usage"] if each["depot"] == number]
        entries = ("[[\"$path\"]]\ntime = $(Dates.format(Dates.now(), "yyyy-mm-ddTHH:MM:SS.sss"))Z\n" for path in used)
        isempty(used) || put(log(depot), join(entries, "\n"))
    end
    collected = with_depots(depots...) do
        attempt(() -> (redirect(() -> Pkg.gc(; collect_delay = Dates.Second(0), forced(case)...)); nothing))
    end
    return Dict(
        "gc" => collected,
        "left" => [sort!(readdir(joinpath(depot, "artifacts"))) for depot in depots],
        "logged" => [isfile(log(d)) ? sort!(collect(keys(TOML.parsefile(log(d))))) : String[] for d in depots],
    )
end

forced(case) = case["force"] ? (force = true,) : ()
redirect(work) = open(io -> redirect_stdout(work, io), tempname(), "w")

function depot(case, _)
    code = "foreach(println, DEPOT_PATH)"
    setting = "value" in keys(case) ? case["value"] : nothing
    command = `$(Base.julia_cmd()) --startup-file=no -e $code`
    output = withenv("JULIA_DEPOT_PATH" => setting, "HOME" => "/home/u", "JULIA_LOAD_PATH" => "@stdlib") do
        read(pipeline(command; stderr = devnull), String)
    end
    shares = [
        abspath(Sys.BINDIR, "..", "local", "share", "julia") => "{LOCAL}",
        abspath(Sys.BINDIR, Base.DATAROOTDIR, "julia") => "{SHARE}",
    ]
    named(path) = something(findfirst(pair -> first(pair) == path, shares), 0)
    paths = filter(!isempty, split(output, '\n'))
    return Dict("depots" => [named(p) == 0 ? String(p) : last(shares[named(p)]) for p in paths])
end

# Domain, what answers a case, and the first Julia that has it.
const DOMAINS = [
    ("triplet", triplet, v"1.6"), ("match", match, v"1.6"), ("select", select, v"1.6"),
    ("meta", meta, v"1.6"), ("order", order, v"1.6"), ("parse", parse_toml, v"1.6"),
    ("bind", bind, v"1.6"), ("print", print_toml, v"1.6"), ("tree", tree, v"1.5"),
    ("tar", tar, v"1.6"), ("install", install, v"1.6"), ("override", override, v"1.6"),
    ("slash", slash, v"1.6"), ("find", find, v"1.5"), ("gc", gc, v"1.5"), ("depot", depot, v"1.5"),
]

function record(domain, answer, folder)
    cases = joinpath(HERE, "cases", "$domain.toml")
    isfile(cases) || return
    answers = map(TOML.parsefile(cases)["case"]) do case
        mktempdir() do root
            root = realpath(root)
            masked(attempt(() -> answer(case, root)), root)
        end
    end
    mkpath(folder)
    open(joinpath(folder, "$domain.toml"), "w") do io
        TOML.print(io, Dict("julia" => string(VERSION), "answer" => answers); sorted = true)
    end
    println(domain, ": ", length(answers), " answers")
end

function main(arguments)
    folder = joinpath(HERE, "julia-$VERSION")
    if length(arguments) > 1 && arguments[1] == "--to"
        folder, arguments = arguments[2], arguments[3:end]
    end
    for (domain, answer, since) in DOMAINS
        isempty(arguments) || domain in arguments || continue
        if VERSION < since
            println(domain, ": needs Julia ", since)
        else
            record(domain, answer, folder)
        end
    end
end

end

abspath(PROGRAM_FILE) == @__FILE__() && Recording.main(ARGS)
