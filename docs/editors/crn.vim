" Vim syntax file of `.crn` files: put it into ~/.vim/syntax/
if exists("b:current_syntax")
  finish
endif

syntax case match
syntax keyword crnStatement crn model massaction unit volume lattice param func
syntax keyword crnStatement species init diffuse event module use import observe
syntax keyword crnStatement set query solve
syntax keyword crnInside per with in via and or not propensity ma
syntax keyword crnConstant t time pi
syntax match crnFunction /\<\(exp\|log\|sqrt\|sin\|cos\|tan\|tanh\|abs\|floor\|ceil\|min\|max\|if\|falling\|binomial\|mm\|mmr\|hill\|hillr\|hillar\|sum\|mean\|all\|any\)\>\ze\s*(/
syntax match crnQuery /\<\(prob\|dist\|expect\|logp\|hit\|mfpt\|rate\)\>\ze\s*(/
syntax match crnEngine /\(\<with\s\+\)\@<=\(tdvp\|natgrad\|adam\|fsp\|ssa\|we\|ode\|auto\)\>/
syntax match crnLabel /^\s*[A-Za-z_][A-Za-z0-9_]*\ze\s*:/
syntax match crnNumber /\<\d\+\(\.\.\@!\d*\)\?\([eE][+-]\?\d\+\)\?\>/
syntax match crnArrow /<->\|->\|[→⇌@]/
syntax region crnString start=/"/ end=/"/ oneline
syntax match crnComment /\(#\|\/\/\).*$/ contains=@Spell

highlight default link crnStatement Statement
highlight default link crnInside Keyword
highlight default link crnConstant Constant
highlight default link crnFunction Function
highlight default link crnQuery Function
highlight default link crnEngine Type
highlight default link crnLabel Label
highlight default link crnNumber Number
highlight default link crnArrow Operator
highlight default link crnString String
highlight default link crnComment Comment

let b:current_syntax = "crn"
