module Mixed

@static if VERSION >= v"1.6"
    using Artifacts
else
    using Pkg.Artifacts
end

"The folder of the data set, the same one as in Python."
data() = artifact"data"

end
